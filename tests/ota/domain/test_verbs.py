from dataclasses import replace

import pytest

from ota.domain.rollout import evaluate
from ota.domain.states import DeploymentState, RolloutState, WaveState
from ota.domain.strategies import Terms
from ota.domain.verbs import VERBS, Refused, fitting_verbs, promote, resume, supersede
from ota.domain.view import Wave
from tests.ota.domain.cast import after, put, rollout, states

D, R, W = DeploymentState, RolloutState, WaveState
#: For each verb: what it makes of which state. What is not here is refused.
TAKES = {
    "start": {R.DRAFT: R.RUNNING, R.RUNNING: R.RUNNING},
    "pause": {R.RUNNING: R.PAUSED, R.PAUSED: R.PAUSED},
    "resume": {R.PAUSED: R.RUNNING, R.RUNNING: R.RUNNING},
    "promote": {},
    "abort": {
        R.DRAFT: R.ABORTED,
        R.RUNNING: R.ABORTING,
        R.PAUSED: R.ABORTING,
        R.ABORTING: R.ABORTING,
        R.ABORTED: R.ABORTED,
    },
    "rollback": {
        R.RUNNING: R.ROLLING_BACK,
        R.PAUSED: R.ROLLING_BACK,
        R.ABORTING: R.ROLLING_BACK,
        R.ABORTED: R.ROLLING_BACK,
        R.SUCCEEDED: R.ROLLING_BACK,
        R.SUCCEEDED_WITH_ERRORS: R.ROLLING_BACK,
        R.ROLLING_BACK: R.ROLLING_BACK,
        R.ROLLED_BACK: R.ROLLED_BACK,
        R.ROLLBACK_INCOMPLETE: R.ROLLBACK_INCOMPLETE,
    },
}


@pytest.mark.parametrize("state", RolloutState)
@pytest.mark.parametrize("verb", VERBS)
def test_every_state_takes_a_verb_or_says_what_it_is(verb, state):
    view = rollout(1, 2, state=state)

    if state in TAKES[verb]:
        assert VERBS[verb](view, after(1)).state is TAKES[verb][state]
    else:
        with pytest.raises(Refused, match=f"is {state}"):
            VERBS[verb](view, after(1))


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb != "promote"])
def test_the_second_click_changes_nothing(verb):
    for state in TAKES[verb]:
        once = VERBS[verb](rollout(1, 2, state=state), after(1))

        assert VERBS[verb](once, after(2)) is once


@pytest.mark.parametrize("state", RolloutState)
def test_only_verbs_that_change_something_are_offered(state):
    offered = fitting_verbs(rollout(1, 2, state=state), after(1))

    assert offered == [verb for verb in VERBS if TAKES[verb].get(state, state) is not state]


def test_who_waits_at_a_gate_is_offered_the_next_wave():
    assert fitting_verbs(at_gate(), after(1)) == ["promote", "abort", "rollback"]


def at_gate():
    view = put(rollout(1, 4, terms=Terms(gates=(0,))), D.STAGED)
    return evaluate(put(view, D.HEALTHY, "0.0"), after(0))


def test_a_second_promotion_does_not_open_the_wave_after():
    once = evaluate(promote(at_gate(), after(1)), after(1))

    assert promote(once, after(2)) is once


def test_at_a_gate_resuming_is_not_enough():
    with pytest.raises(Refused, match="promote"):
        resume(at_gate(), after(1))


def test_behind_the_last_wave_there_is_no_gate():
    view = rollout(1, 1, state=R.PAUSED).with_wave(1, Wave(W.SUCCEEDED, after(0)))
    view = replace(view, wave=1)

    assert resume(view, after(1)).state is R.RUNNING
    with pytest.raises(Refused, match="no gate"):
        promote(view, after(1))


def test_a_superseded_rollout_leaves_its_nodes_and_keeps_what_is_done():
    view = put(put(rollout(1, 2), D.STAGED), D.HEALTHY, "0.0")

    view = supersede(view, after(1), by="rollout_2")

    assert (view.state, view.reason) == (R.SUPERSEDED, "by rollout_2")
    assert states(view) == [D.HEALTHY, D.SUPERSEDED, D.SUPERSEDED]


def test_a_wave_that_bakes_goes_on_baking_after_a_pause():
    view = put(rollout(1, 1), D.HEALTHY, "0.0").with_wave(0, Wave(W.BAKING, after(0)))

    assert resume(replace(view, state=R.PAUSED), after(9)).waves[0] == Wave(W.BAKING, after(0))


def test_resuming_at_the_very_end_gives_the_last_nodes_their_time_anew():
    view = put(rollout(1, 10), D.HEALTHY)
    view = put(view, D.STAGED, "1.9")
    view = replace(view, wave=1, waves=(Wave(W.SUCCEEDED, after(0)), Wave(W.SUCCEEDED, after(1))))
    late = Terms().progress_deadline + 10
    stuck = evaluate(view, after(late))
    assert stuck.state is R.PAUSED

    again = evaluate(resume(stuck, after(late + 1)), after(late + 2))

    assert again.state is R.RUNNING
