"""The demonstration tasks do what their table in the contract says."""

import os

import pytest

from jobs.outcomes import Fail
from jobs.tasks import demo
from tests.jobs.tasks.doubles import FakeContext


def exhaust(stream):
    seen = []
    while True:
        try:
            seen.append(next(stream))
        except StopIteration as end:
            return seen, end.value


def test_echo_returns_its_item():
    assert demo.echo(FakeContext(), {"a": [1]}) == {"a": [1]}


def test_sleep_says_where_it_slept():
    answer = demo.sleep(FakeContext(attempt=2), 0)

    assert answer == {"node": "spore-1", "pid": os.getpid(), "attempt": 2}


def test_whoami_shows_the_devices_it_may_use(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")

    answer = demo.whoami(FakeContext(), None)

    assert answer["cuda_visible_devices"] == "3"
    assert answer["release"] == "1.0"


def test_fail_raises_the_message_it_was_given():
    with pytest.raises(ValueError, match="no luck"):
        demo.fail(FakeContext(), "no luck")


def test_flaky_fails_as_often_as_it_is_told_and_then_returns_the_attempt():
    with pytest.raises(RuntimeError):
        demo.flaky(FakeContext(attempt=2), 2)
    assert demo.flaky(FakeContext(attempt=3), 2) == 3


def test_an_unknown_way_to_crash_fails_for_good_and_harms_nobody():
    with pytest.raises(Fail, match="segv"):
        demo.crash(FakeContext(), "meteor")


def test_a_stream_yields_what_it_counts_and_returns_the_number():
    ctx = FakeContext()

    seen, result = exhaust(demo.stream(ctx, 3))

    assert (seen, result) == ([0, 1, 2], 3)
    assert ctx.fractions[-1] == 1.0


def test_a_payload_is_as_long_as_asked():
    assert len(demo.payload(FakeContext(), 100_000)) == 100_000


def test_allocate_holds_real_memory():
    assert demo.allocate(FakeContext(), 2) == 2_000_000


def test_spin_ends_by_itself_when_nobody_kills_it():
    assert demo.spin(FakeContext(), 0) == "spun"


@pytest.mark.parametrize("item", ["abc", -1, None, True, float("nan"), [1]])
def test_a_time_that_is_no_time_fails_for_good(item):
    with pytest.raises(Fail, match="give a number"):
        demo.sleep(FakeContext(), item)
