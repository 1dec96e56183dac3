from dataclasses import replace

import pytest

from ota.domain.rollout import evaluate, find_fault
from ota.domain.states import DeploymentState, RolloutState, WaveState
from ota.domain.strategies import ABORT, ROLLBACK, Terms
from ota.domain.verbs import abort, promote, resume, roll_back
from tests.ota.domain.cast import after, put, rollout, states

D, R, W = DeploymentState, RolloutState, WaveState


def play(view, state, *names, at=0.0, **facts):
    """Put nodes into a state and decide at once."""
    return evaluate(put(view, state, *names, at=at, **facts), after(at))


def test_everybody_prepares_at_once_and_nobody_switches():
    view = evaluate(rollout(1, 4), after(0))

    assert states(view) == [D.STAGING] * 5
    assert view.waves[0].state is W.ACTIVATING


def test_the_canary_switches_first_and_alone():
    view = play(evaluate(rollout(1, 4), after(0)), D.STAGED, at=1)

    assert states(view) == [D.ACTIVATING] + [D.STAGED] * 4


def test_a_healthy_canary_lets_the_next_wave_switch():
    view = play(rollout(1, 4), D.STAGED)

    view = play(view, D.HEALTHY, "0.0", at=5)

    assert (view.wave, states(view, 1)) == (1, [D.ACTIVATING] * 4)


@pytest.mark.parametrize("failure", [D.FAILED, D.ROLLED_BACK, D.TIMED_OUT])
def test_a_failed_canary_spares_the_rest(failure):
    view = play(rollout(1, 4), D.STAGED)

    view = play(view, failure, "0.0", at=5)

    assert (view.state, view.waves[0].state) == (R.PAUSED, W.FAILED)
    assert view.reason.startswith("error_threshold")
    assert states(view, 1) == [D.STAGED] * 4


def test_a_failed_canary_can_be_tried_again():
    view = play(play(rollout(1, 4), D.STAGED), D.FAILED, "0.0", at=5)

    view = evaluate(resume(view, after(9)), after(9))

    assert (view.state, view.wave, states(view, 0)) == (R.RUNNING, 0, [D.STAGING])


def test_a_canary_that_goes_back_late_stops_the_wave_under_way():
    view = play(play(rollout(1, 4), D.STAGED), D.HEALTHY, "0.0", at=5)

    view = play(view, D.ROLLED_BACK, "0.0", at=6)
    assert view.state is R.PAUSED

    view = evaluate(resume(view, after(9)), after(9))
    assert (view.wave, [wave.state for wave in view.waves]) == (0, [W.ACTIVATING, W.WAITING])


def big_wave(failed: int, healthy: int, **terms):
    view = rollout(100, terms=Terms(canary_abs=0, success_pct=0, **terms))
    view = put(view, D.STAGED)
    view = put(view, D.FAILED, *(f"0.{n}" for n in range(failed)))
    return put(view, D.HEALTHY, *(f"0.{n}" for n in range(failed, failed + healthy)))


@pytest.mark.parametrize(
    ("failed", "healthy", "too_many"),
    [(1, 4, True), (1, 5, False), (1, 3, False), (20, 80, True), (19, 81, False)],
)
def test_errors_count_by_what_was_tried_and_trip_exactly_at_the_threshold(
    failed, healthy, too_many
):
    view = big_wave(failed, healthy, error_pct=20, min_executed=5)

    assert bool(find_fault(view, 0)) is too_many


@pytest.mark.parametrize(("failed", "too_many"), [(10, False), (11, True)])
def test_a_wave_that_cannot_succeed_any_more_has_failed(failed, too_many):
    view = rollout(100, terms=Terms(canary_abs=0, min_executed=1000, success_pct=90))
    view = put(view, D.FAILED, *(f"0.{n}" for n in range(failed)))

    assert bool(find_fault(view, 0)) is too_many


@pytest.mark.parametrize(("healthy", "wave"), [(8, 1), (9, 2)])
def test_a_wave_has_succeeded_exactly_at_its_share(healthy, wave):
    view = put(rollout(1, 10, 5), D.STAGED)
    view = put(view, D.HEALTHY, "0.0", *(f"1.{n}" for n in range(healthy)))

    assert evaluate(view, after(1)).wave == wave


def test_errors_come_before_success():
    view = put(rollout(10, 1, terms=Terms(canary_abs=2, success_pct=50)), D.HEALTHY)
    view = put(view, D.FAILED, "0.0", "0.1")

    assert evaluate(view, after(0)).state is R.PAUSED


@pytest.mark.parametrize(("action", "state"), [(ROLLBACK, R.ROLLING_BACK), (ABORT, R.ABORTING)])
def test_a_strategy_says_what_follows_from_errors(action, state):
    view = put(rollout(2, terms=Terms(error_action=action)), D.ACTIVATING)

    view = play(view, D.FAILED, "0.0")

    assert view.state is state


def test_all_done_is_success():
    view = play(rollout(1, 4), D.HEALTHY)

    assert view.state is R.SUCCEEDED


def test_the_end_waits_for_who_is_still_on_the_way():
    view = play(put(rollout(1, 20), D.HEALTHY), D.ACTIVATING, "1.3")
    assert view.state is R.RUNNING

    view = play(view, D.FAILED, "1.3", at=3)
    assert (view.state, view.reason) == (R.SUCCEEDED_WITH_ERRORS, "1 of 21 nodes failed")


def test_a_wave_bakes_before_the_next_and_errors_count_meanwhile():
    view = put(rollout(1, 4, terms=Terms(bake=600)), D.STAGED)
    view = play(view, D.HEALTHY, "0.0")

    early, late = evaluate(view, after(599)), evaluate(view, after(600))
    failed = play(view, D.ROLLED_BACK, "0.0", at=300)

    assert (early.wave, early.waves[0].state) == (0, W.BAKING)
    assert late.wave == 1
    assert failed.state is R.PAUSED


def test_a_gate_waits_for_a_person():
    view = play(put(rollout(1, 4, terms=Terms(gates=(0,))), D.STAGED), D.HEALTHY, "0.0")
    assert (view.state, view.at_gate, states(view, 1)) == (R.PAUSED, True, [D.STAGED] * 4)

    view = evaluate(promote(view, after(1)), after(1))
    assert (view.state, states(view, 1)) == (R.RUNNING, [D.ACTIVATING] * 4)


def test_a_node_that_falls_silent_is_put_off_and_comes_back_into_the_wave_under_way():
    view = play(rollout(1, 4), D.STAGED)
    view = play(view, D.STAGED, "1.0", at=1, silent=True)
    assert view.members["1.0"].state is D.DEFERRED

    view = play(view, D.HEALTHY, "0.0", at=2)
    back = replace(view.members["1.0"], silent=False, wave=0)
    view = evaluate(view.with_members([back]), after(3))

    assert (view.members["1.0"].state, view.members["1.0"].wave) == (D.STAGING, 1)


def test_a_node_that_falls_silent_in_the_switch_has_until_its_deadline():
    limit = Terms().activating_deadline
    view = put(rollout(2), D.ACTIVATING, silent=True)

    early, late = evaluate(view, after(limit - 1)), evaluate(view, after(limit))

    assert states(early) == [D.ACTIVATING] * 2
    assert states(late) == [D.TIMED_OUT] * 2
    assert late.state is R.PAUSED


def test_a_release_that_never_arrives_has_a_deadline():
    view = put(rollout(2), D.STAGING)

    assert states(evaluate(view, after(Terms().staging_deadline))) == [D.TIMED_OUT] * 2


def test_without_any_progress_it_pauses():
    terms = Terms(progress_deadline=60)
    view = evaluate(put(rollout(1, 1, terms=terms), D.DEFERRED, "0.0", code="lock"), after(0))

    assert evaluate(view, after(59)).state is R.RUNNING
    assert evaluate(view, after(60)).reason.startswith("progress_deadline")


def test_only_so_many_switch_at_once():
    view = play(rollout(10, terms=Terms(max_in_flight=3)), D.STAGED)

    assert states(view).count(D.ACTIVATING) == 3


def test_a_wave_of_absent_nodes_holds_nobody_up_but_proves_nothing_as_the_first():
    absent = {"code": "offline", "silent": True}
    view = put(put(rollout(1, 2), D.HEALTHY), D.DEFERRED, "1.0", "1.1", **absent)
    assert evaluate(view, after(0)).state is R.SUCCEEDED

    view = put(put(rollout(1, 2), D.STAGED), D.DEFERRED, "0.0", **absent)
    assert (evaluate(view, after(0)).state, evaluate(view, after(0)).wave) == (R.RUNNING, 0)


def test_paused_nobody_new_switches():
    view = replace(put(rollout(1, 2), D.STAGED), state=R.PAUSED)

    assert states(evaluate(view, after(1))) == [D.STAGED] * 3


def test_an_abort_waits_for_who_switches_and_leaves_the_others():
    view = put(put(rollout(1, 2), D.STAGED), D.ACTIVATING, "0.0")
    view = evaluate(abort(view, after(1)), after(1))
    assert (view.state, states(view)) == (R.ABORTING, [D.ACTIVATING, D.CANCELED, D.CANCELED])

    view = play(view, D.HEALTHY, "0.0", at=2)
    assert view.state is R.ABORTED


def test_a_roll_back_ends_when_all_are_back():
    view = put(put(rollout(1, 2), D.STAGED), D.HEALTHY, "0.0")
    view = evaluate(roll_back(view, after(1)), after(1))
    assert (view.state, states(view)) == (R.ROLLING_BACK, [D.HEALTHY, D.CANCELED, D.CANCELED])

    view = play(view, D.ROLLED_BACK, "0.0", at=2)
    assert view.state is R.ROLLED_BACK


def test_a_roll_back_names_who_did_not_come_back():
    view = roll_back(put(rollout(2), D.HEALTHY), after(0))
    view = play(view, D.ROLLED_BACK, "0.0", at=2)

    view = evaluate(view, after(Terms().activating_deadline))

    assert (view.state, view.reason) == (R.ROLLBACK_INCOMPLETE, "not back: 0.1")


def test_without_anything_to_do_it_has_succeeded():
    assert evaluate(rollout(), after(0)).state is R.SUCCEEDED
