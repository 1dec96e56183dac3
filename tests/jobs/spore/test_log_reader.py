"""A log reader makes events of what is printed, each for the attempt that printed it."""

import os

import pytest

from jobs.spore.log_reader import LogReader
from nodes.domain.transcript import HEAD_BYTES, TAIL_BYTES
from nodes.spore.board import Board


@pytest.fixture
def printed():
    return Board(1)[0].output


@pytest.fixture
def log_reader(printed):
    return LogReader(printed)


def log(attempt, n, text):
    return {"k": "log", "a": attempt, "n": n, "text": text}


def test_what_an_attempt_prints_is_told_in_numbered_pieces(log_reader, printed):
    log_reader.begin(100)
    printed.write("one\n")
    first = log_reader.hear()
    silence = log_reader.hear()
    printed.write("two\n")

    assert (first, silence, log_reader.end()) == (
        [log(100, 1, "one\n")],
        [],
        [log(100, 2, "two\n")],
    )


def test_each_attempt_has_its_own_numbers(log_reader, printed):
    log_reader.begin(100)
    printed.write("one\n")
    log_reader.end()

    log_reader.begin(101)
    printed.write("two\n")

    assert log_reader.end() == [log(101, 1, "two\n")]


def test_what_is_printed_between_attempts_is_nobodys(log_reader, printed):
    log_reader.begin(100)
    log_reader.end()
    printed.write("from a child that was left behind\n")

    log_reader.begin(101)

    assert log_reader.end() == []


def test_nobody_listens_before_an_attempt_and_after_it(log_reader, printed):
    printed.write("?")

    assert (log_reader.hear(), log_reader.end()) == ([], [])


def test_what_is_printed_while_nothing_runs_takes_no_room(log_reader, printed):
    printed.write("?" * 1000)

    log_reader.ignore()

    assert os.fstat(printed.file).st_size == 0


def test_the_end_of_a_long_log_is_told_with_the_end_of_its_attempt(log_reader, printed):
    log_reader.begin(100)
    printed.write("h" * HEAD_BYTES + "x" * 5 + "t" * TAIL_BYTES)
    [head] = log_reader.hear()
    printed.write("!")

    [tail] = log_reader.end()

    assert head["text"] == "h" * HEAD_BYTES
    assert tail["n"] == 2
    assert tail["text"].endswith("6 bytes were cut here ---\n" + "t" * (TAIL_BYTES - 1) + "!")
