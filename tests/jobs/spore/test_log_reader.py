"""A log reader makes events of what is printed, each for the attempt that printed it."""

import pytest

from jobs.domain.transcript import HEAD_BYTES, TAIL_BYTES
from jobs.spore.log_reader import MOST_TAKES, LogReader


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
def log_reader(printed):
    return LogReader(printed)


def log(attempt, n, text):
    return {"k": "log", "a": attempt, "n": n, "text": text}


def test_what_an_attempt_prints_is_told_in_numbered_pieces(log_reader, printed):
    log_reader.begin(100)
    printed.pending = b"one\n"
    first = log_reader.hear()
    silence = log_reader.hear()
    printed.pending = b"two\n"

    assert (first, silence, log_reader.end()) == (
        [log(100, 1, "one\n")],
        [],
        [log(100, 2, "two\n")],
    )


def test_each_attempt_has_its_own_numbers(log_reader, printed):
    log_reader.begin(100)
    printed.pending = b"one\n"
    log_reader.end()

    log_reader.begin(101)
    printed.pending = b"two\n"

    assert log_reader.end() == [log(101, 1, "two\n")]


def test_what_is_printed_between_bundles_is_nobodys(log_reader, printed):
    printed.pending = b"from a thread that was left behind\n"
    log_reader.ignore()

    log_reader.begin(100)

    assert log_reader.end() == []


def test_nobody_listens_before_an_attempt_and_after_it(log_reader, printed):
    printed.pending = b"?"

    assert log_reader.hear() == []
    assert printed.asked == 0


def test_an_attempt_that_prints_nothing_costs_one_look(log_reader, printed):
    log_reader.begin(100)
    log_reader.end()

    assert printed.asked == 1


def test_the_end_of_a_long_log_is_told_with_the_end_of_its_attempt(log_reader, printed):
    log_reader.begin(100)
    printed.pending = b"h" * HEAD_BYTES + b"x" * 5 + b"t" * TAIL_BYTES
    [head] = log_reader.hear()
    printed.pending = b"!"

    [tail] = log_reader.end()

    assert head["text"] == "h" * HEAD_BYTES
    assert tail["n"] == 2
    assert tail["text"].endswith("6 bytes were cut here ---\n" + "t" * (TAIL_BYTES - 1) + "!")


def test_much_is_taken_piece_by_piece(log_reader, printed):
    pieces = [b"one ", b"two ", b"three"]
    printed.take = lambda: pieces.pop(0) if pieces else b""
    log_reader.begin(100)

    assert log_reader.hear() == [log(100, 1, "one two three")]


def test_who_prints_without_end_is_not_listened_to_without_end(log_reader, printed):
    printed.take = lambda: b"!"
    log_reader.begin(100)

    [event] = log_reader.hear()

    assert event["text"] == "!" * MOST_TAKES
