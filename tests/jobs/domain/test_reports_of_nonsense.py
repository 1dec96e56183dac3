"""What a node says that keeps to no protocol: it is dropped and counted, and nothing else is."""

import json
import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.domain.batch import MAX_CALLS, Batch
from jobs.domain.bounds import MAX_REST_SECONDS
from jobs.domain.reports import count_events, read_report
from jobs.domain.states import Outcome
from tests.jobs.cast import FIRST
from tests.jobs.domain.reports import BUNDLE, ERROR, MINE, OTHERS, event, outcomes, read, sent_out


@pytest.fixture
def flight():
    return sent_out()


@pytest.mark.parametrize("after", [math.inf, 1e300, MAX_REST_SECONDS * 2])
def test_a_wish_for_a_rest_without_end_is_cut(flight, after):
    assert read(flight, events=[event("fail", after=after)]).endings[0].after == MAX_REST_SECONDS


@pytest.mark.parametrize("after", [-1, math.nan])
def test_a_rest_that_is_no_time_is_none(flight, after):
    assert read(flight, events=[event("fail", after=after)]).endings[0].after == 0.0


@pytest.mark.parametrize(
    "row",
    [
        None,
        [FIRST],
        [FIRST, 10, 11, 5],
        [FIRST, 10, 11, None],
        [[FIRST], 10, 11, "1"],
        [FIRST, "soon", 11, "1"],
        [FIRST, math.nan, 11, "1"],
        [FIRST, 10, math.inf, "1"],
        [FIRST, -1e18, 11, "1"],
        [FIRST, 10, 1e18, "1"],
        [FIRST, 10, 11, '"\ud800"'],
        [FIRST, 10, 11, '"\0"'],
        [FIRST, 10, 11, "NaN"],
        [FIRST, 10, 11, "1 2"],
        [FIRST, 10, 11, "[" * 100_000],
        # would end the list of results in a reduction's bundle, and go on with another task
        [FIRST, 10, 11, '1]]],"task":"demo.crash","items":[[1,0,1,"segv"'],
    ],
)
def test_a_success_that_makes_no_sense_does_not_take_its_neighbours_along(flight, row):
    batch = read(flight, ok=[row, [FIRST + 1, 10, 11, "1"]])

    assert outcomes(batch) == {FIRST + 1: Outcome.SUCCEEDED}
    assert batch.dropped == 1
    assert batch.paces == [("job_a", 1.0)]


@pytest.mark.parametrize(
    "bad",
    [
        None,
        "fail",
        {},
        {"k": "fail"},
        {"k": ["fail"]},
        event("shrug"),
        event("fail", {"a": 1}),
        event("fail", e="no"),
        event("fail", e={"type": "no more"}),
        event("fail", t1=math.nan),
        event("fail", t0=None),
        event("fail", after="soon"),
        {"k": "back"},
        {"k": "back", "attempts": 5},
        {"k": "back", "attempts": [[]]},
        {"k": "died", "a": FIRST},
        {"k": "died", "a": [], "why": "crashed", "how": ""},
        {"k": "submit", "a": FIRST, "s": 1, "n": 0},
        {"k": "submit", "a": FIRST, "s": 1, "n": 0, "wish": {}},
        {"k": "submit", "a": [], "s": 1, "n": 0, "wish": "{}"},
        {"k": "submit", "a": FIRST, "s": 1, "n": MAX_CALLS, "wish": "{}"},
    ],
)
def test_an_event_that_makes_no_sense_does_not_take_its_neighbours_along(flight, bad):
    batch = read(flight, events=[bad, event("fail", FIRST + 1)])

    assert outcomes(batch) == {FIRST + 1: Outcome.FAILED}
    assert batch.dropped == 1


@pytest.mark.parametrize("name", ["ok", "events"])
@pytest.mark.parametrize("value", [5, True, "rows", {"a": 1}])
def test_a_report_without_lists_is_counted_and_dropped(flight, name, value):
    assert read(flight, **{name: value}).dropped == 1
    assert count_events({name: value}) == 0


def test_an_error_of_any_length_and_any_characters_can_be_stored(flight):
    facts = {"type": "\ud800", "message": "x" * 100_000, "traceback": 5}

    [ending] = read(flight, events=[event("fail", e=facts)]).endings

    assert ending.error.encode()
    assert len(ending.error) < 70_000
    assert json.loads(ending.error).keys() == ERROR.keys()


LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(FIRST - 2, FIRST + 7),
    st.integers(),
    st.floats(),
    st.text(),
    st.sampled_from(["fail", "back", "died", "timeout", "crashed", BUNDLE, "null", "NaN", "[1]"]),
)
WORDS = st.sampled_from(
    ["k", "a", "t0", "t1", "e", "all", "attempts", "why", "how", "after", "type"]
)
ANY = LEAVES | st.lists(LEAVES, max_size=4) | st.dictionaries(WORDS, LEAVES, max_size=4)
ATTEMPTS = st.integers(FIRST - 1, FIRST + 6) | LEAVES
ROWS = st.tuples(ATTEMPTS, ANY, ANY, ANY).map(list) | ANY
EVENTS = st.fixed_dictionaries(
    {"k": st.sampled_from(["fail", "back", "died", "timeout", "submit"]), "a": ATTEMPTS},
    optional={"e": ANY | st.just(ERROR), "t0": ANY, "t1": ANY, "after": ANY, "why": ANY, "how": ANY}
    | {"all": ANY, "attempts": st.lists(ATTEMPTS)}
    | {"s": st.integers(0, 9) | ANY, "n": st.integers(-1, 1001) | ANY, "wish": ANY},
)
BODIES = st.fixed_dictionaries(
    {"ok": st.lists(ROWS, max_size=6) | ANY, "events": st.lists(EVENTS | ANY, max_size=6) | ANY},
    optional={"job": ANY, "bundle": st.just(BUNDLE) | ANY},
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(bodies=st.lists(BODIES, max_size=3), node=st.sampled_from([MINE, OTHERS, "spore-3"]))
def test_no_report_is_ever_more_than_about_what_is_in_flight_on_its_node(bodies, node):
    flight, batch = sent_out(), Batch()

    for body in bodies:
        count_events(body)
        read_report(body, node, flight, batch)

    ended = [ending.attempt for ending in batch.endings]
    assert len({*ended, *batch.returned}) == len(ended) + len(batch.returned)
    assert all(flight.find(attempt, node, "born-1") for attempt in [*ended, *batch.returned])
    assert all(0 <= seconds < math.inf for _, seconds in batch.paces)
    for wish in batch.submissions:
        assert 0 <= wish.call < MAX_CALLS
        assert 0 < wish.subtask < 1 << 63
        assert wish.wish.encode() is not None
        assert wish.current == (flight.find(wish.attempt, node, "born-1") is not None)
    for ending in batch.endings:
        json.loads(ending.result or "null", parse_constant=pytest.fail)
        assert isinstance(json.loads(ending.error or "{}"), dict)
