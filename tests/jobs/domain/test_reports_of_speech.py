"""What attempts say counts only while they are in flight, and only if it is text."""

import pytest

from jobs.domain.batch import Batch
from jobs.domain.flight import Flight
from jobs.domain.reports import SPEECH, read_report
from tests.jobs.cast import FIRST, bundle, ready

SENT = bundle(ready(7, index=3, number=2))


@pytest.fixture
def flight():
    flight = Flight()
    flight.add(SENT)
    return flight


def read(flight, *events, incarnation=SENT.incarnation):
    batch = Batch()
    body = {"incarnation": incarnation, "bundle": SENT.id, "events": list(events)}
    read_report(body, SENT.node, flight, batch)
    return batch


def log(text="hello\n", *, n=1, a=FIRST):
    return {"k": "log", "a": a, "n": n, "text": text}


def part(value="1", *, n=1, a=FIRST):
    return {"k": "part", "a": a, "n": n, "value": value}


def test_a_piece_of_log_and_a_partial_result_are_taken_in(flight):
    batch = read(flight, log(n=1), part(n=1), log("bye\n", n=2))

    assert [(said.n, said.text) for said in batch.logs] == [(1, "hello\n"), (2, "bye\n")]
    [said] = batch.parts
    assert (said.attempt, said.job, said.node) == (FIRST, SENT.job, SENT.node)
    assert (said.ready.subtask, said.ready.number, said.text) == (7, 2, "1")
    assert (batch.dropped, batch.speaking) == (0, {SENT.job})


def test_an_attempt_goes_on_after_it_said_something(flight):
    batch = read(flight, log())

    assert (batch.endings, batch.returned) == ([], [])


def test_what_an_attempt_says_that_is_not_in_flight_is_dropped(flight):
    assert read(flight, log(a=FIRST + 9), part(a=FIRST + 9)).dropped == 2
    assert read(flight, log(), incarnation="another").dropped == 1


@pytest.mark.parametrize(
    "event",
    [
        log(7),
        log(None),
        log("half of \ud800"),
        log("a\0b"),
        log("x" * (SPEECH["log"] + 1)),
        log(n=0),
        log(n=-1),
        log(n=2**31),
        log(n="one"),
        part("no JSON"),
        part("NaN"),
        part(1),
        part('"' + "x" * SPEECH["part"] + '"'),
        part(n=0),
        {"k": "log", "a": FIRST},
        {"k": "part", "a": FIRST, "n": 1},
        {"k": "sing", "a": FIRST, "n": 1},
        {"k": "log", "a": [FIRST], "n": 1, "text": ""},
    ],
    ids=lambda event: str(event)[:40],
)
def test_what_makes_no_sense_is_dropped_and_counted_and_its_neighbours_stay(flight, event):
    batch = read(flight, log(), event, part())

    assert (len(batch.logs), len(batch.parts), batch.dropped) == (1, 1, 1)


def test_for_a_job_that_is_over_nobody_listens(flight):
    batch = read(flight, log(), part())

    batch.hush(lambda job: job != SENT.job)

    assert (batch.logs, batch.parts) == ([], [])
