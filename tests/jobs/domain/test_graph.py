"""Graphs of jobs: orders, cycles, and what parents mean for their children."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.domain.graph import Bond, Fate, decide, doom, end_with, find_cycle, in_order, sum_up
from jobs.domain.states import JOB_TERMINAL, JobState

NAMES = st.sampled_from("abcdefgh")
GRAPHS = st.dictionaries(NAMES, st.lists(NAMES, unique=True, max_size=4))
BONDS = st.lists(
    st.builds(
        Bond,
        parent=NAMES,
        allow_failure=st.booleans(),
        state=st.sampled_from([*JobState, None]),
    )
)


def bond(state, **fields):
    return Bond("job_p", state=JobState(state), **fields)


@given(GRAPHS)
def test_whatever_can_be_ordered_comes_after_its_parents(after):
    order = in_order(after)

    assert len(order) == len(set(order))
    assert set(order) <= set(after)
    for place, name in enumerate(order):
        assert {p for p in after[name] if p in after} <= set(order[:place])


@given(GRAPHS)
def test_either_all_have_an_order_or_there_is_a_cycle(after):
    cycle = find_cycle(after)

    assert bool(cycle) == (len(in_order(after)) < len(after))
    assert all(parent in after[name] for name, parent in pairwise(cycle))
    if cycle:
        assert cycle[0] == cycle[-1]
        assert len(set(cycle)) == len(cycle) - 1


def test_a_cycle_is_told_without_what_only_leads_to_it():
    assert find_cycle({"start": ["a"], "a": ["b"], "b": ["c"], "c": ["a"]}) == list("abca")
    assert find_cycle({"a": ["a"]}) == ["a", "a"]


def test_a_chain_of_any_length_has_an_order():
    chain = {str(n): [str(n + 1)] for n in range(5000)}

    assert in_order(chain) == [str(n) for n in reversed(range(5000))]


def test_names_keep_their_order_where_nothing_else_decides():
    assert in_order({"z": [], "a": [], "m": ["unknown"]}) == ["z", "a", "m"]


@pytest.mark.parametrize(
    ("bonds", "fate"),
    [
        ([], Fate.GO),
        ([bond("succeeded"), bond("succeeded")], Fate.GO),
        ([bond("succeeded"), bond("running")], Fate.WAIT),
        ([bond("blocked")], Fate.WAIT),
        ([bond("running"), bond("failed")], Fate.FAIL),
        ([bond("partial")], Fate.FAIL),
        ([bond("cancelled")], Fate.CANCEL),
        ([bond("cancelled"), bond("failed")], Fate.FAIL),
        ([Bond("gone")], Fate.FAIL),
        ([bond(state, allow_failure=True) for state in JOB_TERMINAL], Fate.GO),
        ([Bond("gone", allow_failure=True)], Fate.GO),
        ([bond("failed", allow_failure=True), bond("running", allow_failure=True)], Fate.WAIT),
    ],
)
def test_the_parents_decide(bonds, fate):
    assert decide(bonds)[0] is fate


@given(BONDS)
def test_whoever_is_ended_is_told_by_whom_and_nobody_else_is(bonds):
    fate, culprit = decide(bonds)

    assert (culprit is not None) == (fate in (Fate.FAIL, Fate.CANCEL))
    assert culprit is None or (culprit in bonds and not culprit.allow_failure)


@given(BONDS)
def test_a_job_goes_only_once_no_parent_is_open(bonds):
    open_parents = [b for b in bonds if b.state not in JOB_TERMINAL and b.state is not None]

    assert not (decide(bonds)[0] is Fate.GO and open_parents)


def test_a_parent_is_called_by_its_name_if_it_has_one():
    assert Bond("job_1").label == "job_1"
    assert Bond("job_1", name="fetch").label == "fetch (job_1)"


@pytest.mark.parametrize(
    ("states", "sum_"),
    [
        (["succeeded", "succeeded"], "succeeded"),
        (["succeeded", "blocked"], "running"),
        (["cancelling", "failed"], "running"),
        (["succeeded", "failed"], "partial"),
        (["partial"], "partial"),
        (["failed", "cancelled"], "failed"),
        (["cancelled", "succeeded"], "cancelled"),
    ],
)
def test_a_workflow_is_what_its_jobs_are(states, sum_):
    assert sum_up(states) == sum_


def test_whoever_needs_a_job_that_ended_badly_ends_behind_it_and_so_on():
    ties = [("c", "b", "the b"), ("b", "a", ""), ("d", "c", ""), ("y", "x", "")]

    culprits = doom({"a": JobState.PARTIAL}, ties)

    assert list(culprits) == ["b", "c", "d"]
    assert culprits["c"] == Bond("b", "the b", state=JobState.FAILED)


def test_of_two_parents_that_end_together_the_one_that_failed_is_told():
    ended = {"a": JobState.CANCELLED, "b": JobState.FAILED}

    culprits = doom(ended, [("c", "a", ""), ("c", "b", ""), ("d", "a", "")])

    assert {job: end_with(bond) for job, bond in culprits.items()} == {
        "c": JobState.FAILED,
        "d": JobState.CANCELLED,
    }


@given(GRAPHS)
def test_everybody_behind_a_failure_ends_once_and_after_the_one_that_ends_him(after):
    order = in_order(after)
    ties = [(child, parent, "") for child in order for parent in after[child] if parent in order]
    roots = {name: JobState.FAILED for name in order if not after[name]}

    culprits = doom(roots, ties)

    placed = list(roots)
    for child, bond in culprits.items():
        assert bond.parent in placed
        placed.append(child)
    assert len(placed) == len(set(placed))
