from datetime import UTC, datetime

import pytest

from nodes.domain.beats import Beat
from nodes.domain.placement import Gpu
from nodes.domain.states import Intent, NodeState
from nodes.models import Node
from nodes.records import load_roster, refresh_wishes, save_seats
from nodes.roster import Roster, Seat

pytestmark = pytest.mark.django_db
SEEN = datetime(2026, 1, 1, tzinfo=UTC)
BEAT = Beat(
    incarnation="one",
    slots=4,
    cpu=0.25,
    memory=0.5,
    labels={"site": "lab"},
    capabilities=frozenset({"tex", "ffmpeg"}),
    gpus=(Gpu(0, "A", 8000, 7000),),
    release="1.2",
    agent_version="1",
    platform="Linux",
)


def seat(**known) -> Seat:
    seen_ms = int(SEEN.timestamp() * 1000)
    return Seat("spore-1", state=NodeState.ONLINE, beat=BEAT, seen_ms=seen_ms, **known)


def test_a_new_node_is_enrolled_with_all_it_said():
    save_seats([seat(reason="why")])

    row = Node.objects.get()
    assert (row.name, row.state, row.reason, row.last_seen) == ("spore-1", "online", "why", SEEN)
    assert (row.incarnation, row.slots, row.cpu, row.memory) == ("one", 4, 0.25, 0.5)
    assert (row.own_labels, row.capabilities) == ({"site": "lab"}, ["ffmpeg", "tex"])
    assert row.gpus == [{"index": 0, "name": "A", "memory_mb": 8000, "free_mb": 7000}]
    assert (row.release, row.agent_version, row.platform) == ("1.2", "1", "Linux")


def test_saving_again_changes_what_was_seen_and_never_what_an_operator_wants():
    save_seats([seat()])
    enrolled = Node.objects.get().enrolled_at
    Node.objects.update(intent="drain", set_labels={"site": "attic"}, wanted_slots=9)

    save_seats([seat(reason="news")])

    row = Node.objects.get()
    assert (row.reason, row.intent, row.set_labels) == ("news", "drain", {"site": "attic"})
    assert (row.wanted_slots, row.enrolled_at) == (9, enrolled)


def test_a_reason_that_is_too_long_is_cut():
    save_seats([seat(reason="x" * 500)])

    assert Node.objects.get().reason == "x" * 200


def test_saving_nobody_asks_the_database_nothing(django_assert_num_queries):
    with django_assert_num_queries(0):
        save_seats([])


def test_a_new_leader_knows_what_the_last_one_saved():
    save_seats([seat(reason="why")])
    Node.objects.update(intent="cordon", set_labels={"site": "attic"})

    (known,) = load_roster()

    assert (known.name, known.state, known.reason) == ("spore-1", NodeState.ONLINE, "why")
    assert (known.intent, known.set_labels) == (Intent.CORDON, {"site": "attic"})
    assert (known.beat.incarnation, known.beat.slots) == ("one", 4)
    assert known.labels == {"site": "attic"}


def test_the_heartbeat_that_was_saved_last_is_news_to_a_new_leader():
    save_seats([seat()])

    (known,) = load_roster()

    assert known.seen_ms == seat().seen_ms - 1


def test_a_node_that_was_never_seen_was_not_seen_in_1969():
    Node.objects.create(name="spore-1")

    (known,) = load_roster()

    assert known.last_seen is None


def test_wishes_are_read_again_and_every_row_is_returned():
    roster = Roster([seat()])
    Node.objects.create(name="spore-1", intent="drain", set_labels={"a": "b"})
    Node.objects.create(name="spore-2")

    rows = refresh_wishes(roster)

    assert (roster["spore-1"].intent, roster["spore-1"].set_labels) == (Intent.DRAIN, {"a": "b"})
    assert [row.name for row in rows] == ["spore-1", "spore-2"]
    assert "spore-2" not in roster
