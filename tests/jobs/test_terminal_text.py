"""What programs print for terminals, as text with colours."""

from hypothesis import given
from hypothesis import strategies as st

from jobs.terminal_text import Piece, colour


def test_colours_and_weight_become_words():
    text = "plain \x1b[1;31mred\x1b[39m bold\x1b[0m end"

    assert colour(text) == [
        Piece("plain ", ""),
        Piece("red", "t-red t-bold"),
        Piece(" bold", "t-bold"),
        Piece(" end", ""),
    ]


def test_whatever_else_a_terminal_is_told_is_dropped():
    text = "a\x1b[2Jb\x1b]0;title\x07c\x1b[?25hd\x07e\x1b(Bf\x9bg"

    assert "".join(piece.text for piece in colour(text)) == "abcdefg"


def test_of_a_line_that_was_written_over_the_last_version_shows():
    assert colour("10 %\r50 %\r100 %\ndone\r\n") == [Piece("100 %\ndone\n", "")]


@given(st.text(alphabet=st.sampled_from("\x1b[]0;31mJK\x07\r\n\x9bab<"), max_size=60))
def test_nothing_is_left_that_a_terminal_would_act_on(text):
    shown = "".join(piece.text for piece in colour(text))

    assert not set(shown) & {"\x1b", "\x07", "\r", "\x9b"}
