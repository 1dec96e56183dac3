from nodes.domain.states import ALIVE_AS, PRESENT, Intent, NodeState


def test_every_intent_names_a_state_of_living_nodes():
    assert ALIVE_AS.keys() == set(Intent)
    assert set(ALIVE_AS.values()) <= PRESENT


def test_whoever_is_silent_lost_or_locked_away_does_not_count_as_present():
    assert set(NodeState) - PRESENT == {NodeState.SUSPECT, NodeState.LOST, NodeState.QUARANTINED}
