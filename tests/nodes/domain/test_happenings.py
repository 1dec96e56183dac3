"""What becomes of nodes, from one look to the next."""

import pytest

from nodes.domain.happenings import Look, What, compare
from nodes.domain.states import NodeState

ONLINE = Look(NodeState.ONLINE, "one", "1.0")


def words(before, after, reason: str = "") -> list[str]:
    return [each.what.value for each in compare(before, after, reason=reason)]


def in_state(word: str, **known: str) -> Look:
    return ONLINE._replace(state=NodeState(word), **known)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("online", "suspect", ["suspect"]),
        ("suspect", "lost", ["lost"]),
        ("suspect", "online", ["back"]),
        ("lost", "online", ["back"]),
        ("lost", "suspect", ["suspect"]),
        ("lost", "draining", ["back", "draining"]),
        ("lost", "quarantined", ["back", "quarantined"]),
        ("quarantined", "online", ["resumed"]),
        ("online", "draining", ["draining"]),
        ("draining", "cordoned", ["cordoned"]),
        ("cordoned", "online", ["resumed"]),
        ("online", "updating", ["updating"]),
        ("updating", "online", ["updated"]),
        ("updating", "draining", ["draining"]),
        ("online", "online", []),
    ],
)
def test_every_move_has_its_words(before, after, expected):
    assert words(in_state(before), in_state(after)) == expected


@pytest.mark.parametrize("before", NodeState)
@pytest.mark.parametrize("after", NodeState)
def test_no_move_goes_without_a_word(before, after):
    assert bool(words(ONLINE._replace(state=before), ONLINE._replace(state=after))) == (
        before != after
    )


def test_a_node_that_is_new_joined_with_its_release():
    assert compare(None, ONLINE) == [(What.JOINED, "release 1.0")]
    assert words(None, in_state("cordoned")) == ["joined", "cordoned"]


def test_a_node_that_was_deleted_is_forgotten():
    assert words(ONLINE, None) == ["forgotten"]


def test_a_state_brings_its_reason():
    [lost] = compare(ONLINE, in_state("lost"), reason="silent for 45 s")

    assert lost.reason == "silent for 45 s"


def test_what_an_operator_asked_for_says_so():
    [drained] = compare(ONLINE, in_state("draining"))

    assert drained.reason == "its operator asked for it"


def test_another_start_of_a_living_node_is_a_restart():
    assert words(ONLINE, ONLINE._replace(incarnation="two")) == ["restarted"]
    assert words(in_state("lost"), in_state("online", incarnation="two")) == ["back"]


def test_another_release_is_told_with_both():
    [_, release] = compare(ONLINE, ONLINE._replace(incarnation="two", release="1.1"))

    assert release == (What.RELEASE, "1.0 → 1.1")


def test_what_a_new_leader_did_not_know_is_no_news():
    assert compare(Look(NodeState.ONLINE), ONLINE) == []
