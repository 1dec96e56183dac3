"""What holds whatever happens, in whatever order."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from ota.domain.reports import MOVES
from ota.domain.rollout import evaluate
from ota.domain.states import FAILURES, DeploymentState, RolloutState
from ota.domain.strategies import STRATEGIES
from ota.domain.verbs import VERBS, Refused
from ota.domain.view import FINAL, IN_FLIGHT
from tests.ota.domain.cast import after, rollout

D, R = DeploymentState, RolloutState
SAID = sorted(MOVES)
EVENTS = st.one_of(
    st.tuples(st.just("report"), st.integers(0, 9), st.sampled_from(SAID)),
    st.tuples(st.just("silence"), st.integers(0, 9), st.booleans()),
    st.tuples(st.just("verb"), st.sampled_from(sorted(VERBS)), st.none()),
    st.tuples(st.just("time"), st.sampled_from([1, 30, 200, 1000, 4000]), st.none()),
)
ROLLOUTS = st.builds(
    lambda sizes, terms: rollout(*sizes, terms=terms, state=R.DRAFT),
    st.lists(st.integers(1, 5), min_size=1, max_size=3),
    st.sampled_from(list(STRATEGIES.values())),
)


def happen(view, event, now):
    """What one event makes of a rollout before anybody decides."""
    kind, what, more = event
    if kind == "verb":
        try:
            return VERBS[what](view, now)
        except Refused:
            return view
    if kind == "time":
        return view
    names = sorted(view.members)
    one = view.members[names[what % len(names)]]
    if kind == "silence":
        return view.with_members([replace(one, silent=more)])
    return view.with_members([one.move(more, now)] if one.state in MOVES[more] else [])


def play(view, events):
    """Every state before and after each decision."""
    seconds = 0
    for event in [("verb", "start", None), *events]:
        seconds += event[1] if event[0] == "time" else 1
        before = happen(view, event, after(seconds))
        view = evaluate(before, after(seconds))
        yield before, view, after(seconds)


@given(ROLLOUTS, st.lists(EVENTS, max_size=60))
@settings(max_examples=300)
def test_no_later_wave_switches_after_a_canary_failed(view, events):
    for before, then, _ in play(view, events):
        canaries = [one for one in then.members.values() if one.wave == 0]
        if not before.terms.canary_abs or not any(c.state in FAILURES for c in canaries):
            continue
        switched = [
            one.name
            for one in then.members.values()
            if one.wave > 0
            and one.state is D.ACTIVATING
            and before.members[one.name].state is not D.ACTIVATING
        ]
        assert not switched


@given(ROLLOUTS, st.lists(EVENTS, max_size=60))
@settings(max_examples=300)
def test_no_decision_takes_back_what_is_healthy_but_a_roll_back(view, events):
    for before, then, _ in play(view, events):
        for one in before.members.values():
            if one.state is D.HEALTHY and then.members[one.name].state is not D.HEALTHY:
                assert R.ROLLING_BACK in (before.state, then.state)


@given(ROLLOUTS, st.lists(EVENTS, max_size=60))
@settings(max_examples=300)
def test_what_is_over_changes_no_more_and_leaves_nobody_on_the_way(view, events):
    for _, then, now in play(view, events):
        if then.state in FINAL:
            assert not [one for one in then.members.values() if one.state in IN_FLIGHT]
            assert evaluate(then, now) is then


@given(ROLLOUTS, st.lists(EVENTS, max_size=60))
@settings(max_examples=300)
def test_asked_twice_the_decision_is_the_same(view, events):
    for _, then, now in play(view, events):
        assert evaluate(then, now) == then


#: What a live node says next, if it goes well.
NEXT = {D.STAGING: D.STAGED, D.ACTIVATING: D.HEALTHY}


@given(ROLLOUTS, st.randoms(use_true_random=False), st.sampled_from(["abort", "rollback"]))
@settings(max_examples=300)
def test_every_rollout_of_nodes_that_answer_ends(view, chance, way_out):
    view = VERBS["start"](view, after(0))
    for step in range(2000):
        now = after(step * 30)
        view = evaluate(view, now)
        if view.state in FINAL:
            return
        if view.state is R.PAUSED:
            view = VERBS["promote" if view.at_gate else way_out](view, now)
        moved = []
        for one in view.members.values():
            if one.state in NEXT:
                moved.append(one.move(D.FAILED if chance.random() < 0.1 else NEXT[one.state], now))
            elif view.state is R.ROLLING_BACK and one.state is D.HEALTHY:
                moved.append(one.move(D.ROLLED_BACK, now))
        view = view.with_members(moved)
    raise AssertionError(f"it goes on for ever: {view}")
