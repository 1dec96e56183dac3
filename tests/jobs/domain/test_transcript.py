"""Of what an attempt prints the beginning and the end are kept, as text, whatever bytes it is."""

from hypothesis import given
from hypothesis import strategies as st

from jobs.domain.transcript import Transcript

HEAD, TAIL = 40, 30
chunks = st.lists(st.binary(max_size=60), max_size=12)
texts = st.lists(st.text(max_size=20), max_size=12)


def keep(*data):
    """What is told at once, and what is told at the end."""
    transcript = Transcript(head=HEAD, tail=TAIL)
    told = [transcript.feed(each) for each in data]
    return told, transcript.close()


def test_a_short_text_is_told_as_it_comes():
    assert keep(b"one\n", b"two\n") == (["one\n", "two\n"], "")


def test_a_letter_in_two_pieces_is_told_when_it_is_whole():
    begun, ended = "ü".encode()[:1], "ü".encode()[1:]

    assert keep(b"a" + begun, ended + b"b") == (["a", "üb"], "")


def test_a_letter_that_never_ends_is_told_as_one_that_cannot_be_read():
    assert keep(b"a" + "ü".encode()[:1]) == (["a"], "�")


def test_the_end_of_a_long_text_is_told_when_it_is_over():
    told, end = keep(b"h" * HEAD, b"t" * TAIL)

    assert ("".join(told), end) == ("h" * HEAD, "t" * TAIL)


def test_what_was_cut_is_counted():
    told, end = keep(b"h" * HEAD + b"x" * 1234 + b"t" * TAIL)

    assert "".join(told) == "h" * HEAD
    assert end == f"\n--- 1,234 bytes were cut here ---\n{'t' * TAIL}"


def test_a_letter_between_the_beginning_and_the_end_costs_no_room():
    said = "a" * (HEAD - 1) + "ü" + "b" * (TAIL - 1)

    told, end = keep(said.encode())

    assert "".join(told) + end == said


def test_a_letter_across_head_and_end_takes_no_room_from_the_end():
    told, end = keep(("h" * (HEAD - 2) + "𐀀" + "t" * (TAIL - 2)).encode())

    assert ("".join(told), end) == ("h" * (HEAD - 2), "𐀀" + "t" * (TAIL - 2))


@given(texts)
def test_nothing_is_lost_or_changed_of_what_fits(said):
    whole = "".join(said).replace("\0", "�")
    told, end = keep(*(text.encode() for text in said))

    if len("".join(said).encode()) <= HEAD + TAIL:
        assert "".join(told) + end == whole


@given(chunks)
def test_whatever_comes_the_end_is_text_of_bounded_size_that_a_database_takes(said):
    told, end = keep(*said)

    text = "".join(told) + end
    assert "\0" not in text
    text.encode()
    assert len(text) <= HEAD + TAIL + len("\n--- 1,234,567 bytes were cut here ---\n")


@given(st.text(min_size=HEAD + TAIL + 5))
def test_cut_in_any_place_no_letter_is_broken(said):
    told, end = keep(said.encode())

    whole = said.replace("\0", "\ufffd")
    assert whole.startswith("".join(told))
    assert whole.endswith(end.partition("cut here ---\n")[2])
