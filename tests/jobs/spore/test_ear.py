"""An ear makes events of what is printed, each for the attempt that printed it."""

import pytest

from jobs.domain.transcript import HEAD_BYTES, TAIL_BYTES
from jobs.spore.ear import MOST_TAKES, Ear


class Printed:
    """What is printed, by hand; counts how often it was asked."""

    def __init__(self):
        self.pending, self.asked = b"", 0

    def take(self):
        self.asked += 1
        taken, self.pending = self.pending, b""
        return taken


@pytest.fixture
def printed():
    return Printed()


@pytest.fixture
def ear(printed):
    return Ear(printed)


def log(attempt, n, text):
    return {"k": "log", "a": attempt, "n": n, "text": text}


def test_what_an_attempt_prints_is_told_in_numbered_pieces(ear, printed):
    ear.begin(100)
    printed.pending = b"one\n"
    first = ear.hear()
    silence = ear.hear()
    printed.pending = b"two\n"

    assert (first, silence, ear.end()) == (
        [log(100, 1, "one\n")],
        [],
        [log(100, 2, "two\n")],
    )


def test_each_attempt_has_its_own_numbers(ear, printed):
    ear.begin(100)
    printed.pending = b"one\n"
    ear.end()

    ear.begin(101)
    printed.pending = b"two\n"

    assert ear.end() == [log(101, 1, "two\n")]


def test_what_is_printed_between_bundles_is_nobodys(ear, printed):
    printed.pending = b"from a thread that was left behind\n"
    ear.ignore()

    ear.begin(100)

    assert ear.end() == []


def test_nobody_listens_before_an_attempt_and_after_it(ear, printed):
    printed.pending = b"?"

    assert ear.hear() == []
    assert printed.asked == 0


def test_an_attempt_that_prints_nothing_costs_one_look(ear, printed):
    ear.begin(100)
    ear.end()

    assert printed.asked == 1


def test_the_end_of_a_long_log_is_told_with_the_end_of_its_attempt(ear, printed):
    ear.begin(100)
    printed.pending = b"h" * HEAD_BYTES + b"x" * 5 + b"t" * TAIL_BYTES
    [head] = ear.hear()
    printed.pending = b"!"

    [tail] = ear.end()

    assert head["text"] == "h" * HEAD_BYTES
    assert tail["n"] == 2
    assert tail["text"].endswith("6 bytes were cut here ---\n" + "t" * (TAIL_BYTES - 1) + "!")


def test_much_is_taken_piece_by_piece(ear, printed):
    pieces = [b"one ", b"two ", b"three"]
    printed.take = lambda: pieces.pop(0) if pieces else b""
    ear.begin(100)

    assert ear.hear() == [log(100, 1, "one two three")]


def test_who_prints_without_end_is_not_listened_to_without_end(ear, printed):
    printed.take = lambda: b"!"
    ear.begin(100)

    [event] = ear.hear()

    assert event["text"] == "!" * MOST_TAKES
