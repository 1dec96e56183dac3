from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.domain.retry import MAX_LOSSES, Policy, Tally, Verdict, decide
from jobs.domain.states import Outcome, SubtaskState
from tests.jobs.cast import NOW

ERRORS = (Outcome.FAILED, Outcome.TIMEOUT)


class Middle(Random):
    """Chance that always lands in the middle of its range."""

    def uniform(self, a, b):
        return (a + b) / 2


def judge(outcome, tally=None, policy=None, *, random=None, **wish):
    tally, policy = tally or Tally(), policy or Policy(retries=3)
    return decide(outcome, tally, policy, now=NOW, random=random or Middle(), **wish)


@pytest.mark.parametrize("outcome", ERRORS)
@pytest.mark.parametrize(("errors", "seconds"), [(1, 2), (2, 8), (3, 32)])
def test_an_error_is_tried_again_after_its_step_of_the_back_off(outcome, errors, seconds):
    verdict = judge(outcome, Tally(errors=errors))

    assert verdict == Verdict(SubtaskState.RETRYING, at=NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize("outcome", ERRORS)
def test_an_error_beyond_the_retries_is_the_last(outcome):
    assert judge(outcome, Tally(errors=4)).state is SubtaskState.FAILED


def test_without_retries_the_first_error_is_the_last():
    assert judge(Outcome.FAILED, Tally(errors=1), Policy(retries=0)).state is SubtaskState.FAILED


def test_the_last_step_of_the_back_off_repeats():
    verdict = judge(Outcome.FAILED, Tally(errors=7), Policy(retries=9, backoff=(1, 5)))

    assert verdict.at == NOW + timedelta(seconds=5)


def test_without_a_back_off_the_next_try_is_due_at_once():
    assert judge(Outcome.FAILED, Tally(errors=1), Policy(retries=1, backoff=())).at == NOW


@given(seed=st.integers(), errors=st.integers(1, 20))
def test_chance_moves_a_retry_by_a_fifth_at_most(seed, errors):
    step = (2, 8, 32)[min(errors, 3) - 1]

    verdict = judge(Outcome.FAILED, Tally(errors=errors), Policy(retries=20), random=Random(seed))

    assert step * 0.8 <= (verdict.at - NOW).total_seconds() <= step * 1.2


def test_two_subtasks_that_fail_together_do_not_come_back_together():
    random = Random(1)

    times = {judge(Outcome.FAILED, Tally(errors=3), random=random).at for _ in range(20)}

    assert len(times) == 20


def test_a_task_may_say_when_it_wants_to_be_tried_again():
    verdict = judge(Outcome.FAILED, Tally(errors=1), after=0.5)

    assert verdict.at == NOW + timedelta(seconds=0.5)


def test_a_wish_for_later_does_not_buy_another_retry():
    assert judge(Outcome.FAILED, Tally(errors=4), after=1).state is SubtaskState.FAILED


def test_a_task_may_say_that_no_try_will_help():
    assert judge(Outcome.FAILED, Tally(errors=1), final=True).state is SubtaskState.FAILED


def test_a_loss_costs_no_retry_and_no_time():
    spent = Tally(errors=3, losses=MAX_LOSSES)

    assert judge(Outcome.LOST, spent, Policy(retries=0)) == Verdict(SubtaskState.WAITING)


def test_who_is_lost_six_times_has_failed_and_learns_why():
    verdict = judge(Outcome.LOST, Tally(losses=MAX_LOSSES + 1))

    assert verdict.state is SubtaskState.FAILED
    assert "6 times" in verdict.reason


@pytest.mark.parametrize(
    ("crashes", "nodes", "state"),
    [
        (1, 1, SubtaskState.RETRYING),
        (2, 2, SubtaskState.RETRYING),
        (3, 1, SubtaskState.RETRYING),
        (3, 2, SubtaskState.QUARANTINED),
        (4, 1, SubtaskState.QUARANTINED),
    ],
)
def test_poison_is_proven_by_three_crashes_on_two_nodes_or_four_on_one(crashes, nodes, state):
    verdict = judge(Outcome.CRASHED, Tally(crashes=crashes, crash_nodes=nodes))

    assert verdict.state is state
    assert verdict.at == (NOW + timedelta(seconds=1) if state is SubtaskState.RETRYING else None)


def test_a_crash_spends_no_retry_of_the_application():
    verdict = judge(Outcome.CRASHED, Tally(errors=9, crashes=1, crash_nodes=1), Policy(retries=0))

    assert verdict.state is SubtaskState.RETRYING


def test_a_quarantine_says_how_often_and_where():
    verdict = judge(Outcome.CRASHED, Tally(crashes=3, crash_nodes=2))

    assert verdict.reason == "crashed its process 3 times on 2 nodes"


@pytest.mark.parametrize("policy", [Policy(retries=3), Policy(retries=3, at_most_once=True)])
def test_what_was_cancelled_stays_cancelled(policy):
    assert judge(Outcome.CANCELLED, policy=policy).state is SubtaskState.CANCELLED


@pytest.mark.parametrize("outcome", [*ERRORS, Outcome.CRASHED, Outcome.LOST])
def test_at_most_once_is_never_tried_again(outcome):
    verdict = judge(outcome, policy=Policy(retries=3, at_most_once=True), after=1)

    assert verdict.state is SubtaskState.FAILED
    assert "at_most_once" in verdict.reason


@given(
    outcome=st.sampled_from([o for o in Outcome if o is not Outcome.SUCCEEDED]),
    tally=st.builds(Tally, *[st.integers(0, 9)] * 4),
    policy=st.builds(Policy, st.integers(0, 5), at_most_once=st.booleans()),
    final=st.booleans(),
    after=st.none() | st.floats(0, 1e6),
)
def test_every_verdict_is_an_end_or_says_what_comes_next(outcome, tally, policy, final, after):
    verdict = judge(outcome, tally, policy, final=final, after=after)

    assert verdict.state not in {SubtaskState.BLOCKED, SubtaskState.QUEUED, SubtaskState.RUNNING}
    assert (verdict.at is not None) == (verdict.state is SubtaskState.RETRYING)
    assert verdict.at is None or verdict.at >= NOW
