import json

import pytest

from jobs.domain.batch import Batch, lose
from jobs.domain.reports import count_events
from jobs.domain.states import Outcome
from tests.jobs.cast import FIRST, bundle, ready
from tests.jobs.domain.reports import ERROR, OTHERS, event, outcomes, read, sent_out


@pytest.fixture
def flight():
    return sent_out()


def test_a_success_carries_its_result_as_the_text_it_came_in(flight):
    batch = read(flight, ok=[[FIRST, 10.0, 12.5, '{"a": 2.50}']])

    [ending] = batch.endings
    assert (ending.attempt, ending.ready.subtask, ending.job) == (FIRST, 1, "job_a")
    assert (ending.outcome, ending.started, ending.ended) == (Outcome.SUCCEEDED, 10.0, 12.5)
    assert ending.result == '{"a": 2.50}'
    assert batch.dropped == 0


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [
        ("fail", Outcome.FAILED),
        ("timeout", Outcome.TIMEOUT),
        ("cancelled", Outcome.CANCELLED),
        ("crashed", Outcome.CRASHED),
    ],
)
def test_whatever_else_happened_carries_its_error(flight, kind, outcome):
    [ending] = read(flight, events=[event(kind, final=True, after=5)]).endings

    assert ending.outcome is outcome
    assert (ending.started, ending.ended, ending.final, ending.after) == (10.0, 11.0, True, 5.0)
    assert json.loads(ending.error) == ERROR


def test_the_mean_of_a_reports_items_is_the_pace_of_its_job(flight):
    batch = read(flight, job="job_b", ok=[[FIRST, 10, 11, "1"], [FIRST + 1, 11, 14, "1"]])

    assert batch.paces == [("job_a", 2.0)]


def test_an_item_whose_clock_went_back_took_no_time(flight):
    assert read(flight, ok=[[FIRST, 11, 10, "1"]]).paces == [("job_a", 0.0)]


def test_the_events_of_a_report_are_counted():
    assert count_events({"ok": [1, 2], "events": [3]}) == 3
    assert count_events({}) == 0


def test_what_comes_twice_counts_once(flight):
    row = [FIRST, 10, 11, "1"]

    batch = read(flight, ok=[row, row], events=[event("fail")])

    assert outcomes(batch) == {FIRST: Outcome.SUCCEEDED}
    assert batch.dropped == 2
    assert batch.paces == [("job_a", 1.0)]


def test_what_comes_late_is_dropped_and_teaches_nothing(flight):
    flight.close(FIRST)

    batch = read(flight, ok=[[FIRST, 10, 11, "1"]], events=[event("fail")])

    assert (batch.endings, batch.paces, batch.dropped) == ([], [], 2)


def test_a_node_speaks_only_for_what_was_sent_to_it(flight):
    batch = read(
        flight,
        node=OTHERS,
        ok=[[FIRST, 10, 11, "1"]],
        events=[
            event("fail", FIRST + 1),
            {"k": "died", "a": FIRST, "why": "crashed", "how": "signal SIGKILL"},
            {"k": "back", "all": True},
            {"k": "back", "attempts": [FIRST]},
        ],
    )

    assert (batch.endings, batch.returned, batch.paces) == ([], [], [])
    assert batch.dropped >= 3


def test_the_rest_of_a_bundle_is_handed_back(flight):
    batch = read(flight, events=[{"k": "back", "attempts": [FIRST + 1, FIRST + 2, FIRST + 3]}])

    assert sorted(batch.returned) == [FIRST + 1, FIRST + 2]
    assert batch.endings == []


def test_a_whole_bundle_is_handed_back_but_for_what_came_back_before(flight):
    flight.close(FIRST + 1)

    assert sorted(read(flight, events=[{"k": "back", "all": True}]).returned) == [FIRST, FIRST + 2]


def test_what_ended_is_not_handed_back_in_the_same_batch(flight):
    batch = read(flight, ok=[[FIRST, 10, 11, "1"]], events=[{"k": "back", "all": True}])

    assert outcomes(batch) == {FIRST: Outcome.SUCCEEDED}
    assert sorted(batch.returned) == [FIRST + 1, FIRST + 2]


SPAN = {"t0": 1000.0, "t1": 1006.5}


@pytest.mark.parametrize(
    ("why", "outcome", "message"),
    [
        ("crashed", Outcome.CRASHED, "its process ended with signal SIGSEGV"),
        (
            "timeout",
            Outcome.TIMEOUT,
            "it did not heed its timeout; its process was killed after 6.5 s",
        ),
        (
            "cancelled",
            Outcome.CANCELLED,
            "it did not heed its cancellation; its process was killed after 6.5 s",
        ),
        (
            "fenced",
            Outcome.LOST,
            "its node was cut off and stopped it: it must not run twice",
        ),
        (
            "handover",
            Outcome.LOST,
            "its node changed over to another release: signal SIGSEGV",
        ),
    ],
)
def test_a_slot_that_dies_takes_only_the_running_attempt_along(flight, why, outcome, message):
    death = {"k": "died", "a": FIRST + 1, "why": why, "how": "signal SIGSEGV", **SPAN}

    batch = read(flight, events=[death])

    assert outcomes(batch) == {FIRST + 1: outcome}
    assert json.loads(batch.endings[0].error)["message"] == message
    assert (batch.endings[0].started, batch.endings[0].ended) == (SPAN["t0"], SPAN["t1"])
    assert sorted(batch.returned) == [FIRST, FIRST + 2]


def test_a_slot_that_dies_before_its_first_item_hands_everything_back(flight):
    batch = read(flight, events=[{"k": "died", "a": 0, "why": "crashed", "how": "exit code 1"}])

    assert (batch.endings, len(batch.returned)) == ([], 3)


def test_the_first_item_of_a_lost_bundle_may_have_run_and_the_rest_has_not():
    batch = Batch()

    lose(bundle(ready(1), ready(2), ready(3)), untouched=False, reason="silent", batch=batch)

    assert outcomes(batch) == {FIRST: Outcome.LOST}
    assert "spore-1: silent" in batch.endings[0].error
    assert batch.returned == [FIRST + 1, FIRST + 2]


def test_nothing_of_a_bundle_that_no_slot_had_popped_has_run():
    batch = Batch()

    lose(bundle(ready(1), ready(2)), untouched=True, reason="silent", batch=batch)

    assert (batch.endings, batch.returned) == ([], [FIRST, FIRST + 1])
