from dataclasses import replace

from ota.domain.guard import read_gauges
from ota.domain.rollout import find_fault
from ota.domain.states import DeploymentState, RolloutState, WaveState
from ota.domain.strategies import Terms
from ota.domain.view import Wave
from tests.ota.domain.cast import after, put, rollout

D, R, W = DeploymentState, RolloutState, WaveState


def gauges(view, seconds: float = 1) -> dict:
    return {gauge.name: gauge for gauge in read_gauges(view, after(seconds))}


def second_wave(healthy: int, failed: int, *, of: int = 20):
    """A rollout whose second wave has so many healthy and failed nodes."""
    view = replace(rollout(1, of), wave=1)
    names = [f"1.{n}" for n in range(of)]
    view = put(view, D.HEALTHY, *names[:healthy]) if healthy else view
    return put(view, D.FAILED, *names[healthy : healthy + failed]) if failed else view


def test_a_draft_measures_nothing():
    assert read_gauges(rollout(1, 2, state=R.DRAFT), after(1)) == []


def test_a_rollout_without_waves_measures_nothing():
    assert read_gauges(rollout(), after(1)) == []


def test_a_failed_canary_trips():
    failed = put(rollout(1, 4), D.FAILED, "0.0")

    told = gauges(failed)["Failures of the first wave"]

    assert (told.now, told.used, told.trips) == ("1 of 1", 1.0, True)


def test_a_share_of_failures_is_told_and_decides_only_once_enough_were_tried():
    few, enough = second_wave(3, 1), second_wave(4, 1)

    told = [gauges(view)["Failed of those tried"] for view in (few, enough)]

    assert [gauge.now for gauge in told] == ["1 of 4 (25 %)", "1 of 5 (20 %)"]
    assert [gauge.trips for gauge in told] == [False, True]


def test_before_anything_was_tried_no_share_is_told():
    assert gauges(rollout(1, 4))["Failed of those tried"].now == "none yet"


def test_the_gauges_trip_exactly_when_the_rollout_finds_a_fault():
    for failed in range(8):
        for healthy in range(8):
            view = second_wave(healthy, failed)

            told = gauges(view).values()

            assert any(gauge.trips for gauge in told) == bool(find_fault(view, 1))


def test_what_is_waited_for_is_told_while_it_runs():
    waiting = rollout(1, 4).with_wave(0, Wave(W.ACTIVATING, after(0)))
    baking = replace(rollout(1, 4, terms=Terms(bake=600.0)), wave=0)
    baking = baking.with_wave(0, Wave(W.BAKING, after(0)))

    told = gauges(waiting, 900)["Since a node became healthy"]
    assert (told.now, told.limit, told.used) == ("15 min", "stops at 30 min", 0.5)
    assert gauges(baking, 90)["Watched since it is up"].now == "90 s"
