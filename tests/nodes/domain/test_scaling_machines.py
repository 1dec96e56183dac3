import pytest

from nodes.domain.scaling_machines import Instance, Sight, machine_of
from nodes.domain.scaling_pictures import Stage
from nodes.domain.states import Intent, NodeState

INSTANCE = Instance("i-1", "cpu-1", started_at=100.0)


def stage_of(state: NodeState, intent: Intent = Intent.WORK, **known) -> Stage:
    return machine_of(INSTANCE, Sight(state, intent, **known), now=110.0).stage


def test_a_machine_whose_node_nobody_has_seen_starts():
    machine = machine_of(INSTANCE, None, now=110.0)

    assert (machine.stage, machine.age) == (Stage.STARTING, 10.0)


@pytest.mark.parametrize("state", [NodeState.ONLINE, NodeState.UPDATING, NodeState.SUSPECT])
def test_a_node_that_works_or_may_come_back_to_it_is_ready(state):
    assert stage_of(state) is Stage.READY


def test_a_node_that_is_lost_may_come_back_for_as_long_as_a_new_one_may_take():
    sight = Sight(NodeState.LOST, seen_at=105.0, share=1.0)

    machine = machine_of(INSTANCE, sight, now=110.0)

    assert (machine.stage, machine.age, machine.share) == (Stage.STARTING, 5.0, 0.0)


def test_our_own_drain_is_over_once_nothing_is_in_its_hands():
    busy = stage_of(NodeState.DRAINING, Intent.DRAIN, marked=True, busy=1)
    free = stage_of(NodeState.DRAINING, Intent.DRAIN, marked=True)

    assert (busy, free) == (Stage.DRAINING, Stage.DRAINED)


def test_a_draining_node_that_fell_silent_is_not_taken_for_drained():
    assert stage_of(NodeState.SUSPECT, Intent.DRAIN, marked=True) is Stage.DRAINING


def test_a_draining_node_that_is_lost_has_nothing_left_to_lose():
    assert stage_of(NodeState.LOST, Intent.DRAIN, marked=True) is Stage.DRAINED


@pytest.mark.parametrize(
    ("state", "intent"),
    [
        (NodeState.DRAINING, Intent.DRAIN),
        (NodeState.CORDONED, Intent.CORDON),
        (NodeState.QUARANTINED, Intent.WORK),
        (NodeState.DRAINING, Intent.WORK),  # it is in trouble, a full disk perhaps
    ],
)
def test_what_gets_no_work_for_other_reasons_is_held(state, intent):
    assert stage_of(state, intent) is Stage.HELD


@pytest.mark.parametrize("state", [NodeState.UPDATING, NodeState.SUSPECT])
def test_a_node_that_is_being_updated_or_fell_silent_is_not_to_be_drained(state):
    assert machine_of(INSTANCE, Sight(state), now=110.0).pinned
    assert not machine_of(INSTANCE, Sight(NodeState.ONLINE), now=110.0).pinned
