import pytest

from nodes import wire
from nodes.domain.states import Intent, NodeState
from nodes.roster import Seat
from tests.nodes.cast import Spore


def test_an_empty_cluster_shows_nobody(watch, roster):
    sighting = watch.look(roster)

    assert (sighting.joined, sighting.changed, list(roster)) == ([], [], [])


def test_a_node_joins_by_its_first_heartbeat(watch, roster, spore):
    spore.listen().beat(cpu=0.5, slots=4)

    sighting = watch.look(roster)

    seat = roster["spore-1"]
    assert (sighting.joined, sighting.changed) == (["spore-1"], ["spore-1"])
    assert (seat.state, seat.reason) == (NodeState.ONLINE, "")
    assert (seat.beat.cpu, seat.beat.slots, seat.beat.incarnation) == (0.5, 4, "one")
    assert seat.beat_age >= 0


def test_nodes_join_in_the_order_of_their_names(watch, roster, broker):
    for name in ("b", "c", "a"):
        Spore(broker, name).beat()

    assert watch.look(roster).joined == ["a", "b", "c"]


def test_a_look_without_news_finds_nothing(watch, roster, seat):
    sighting = watch.look(roster)

    assert sighting == type(sighting)()
    assert seat.state is NodeState.ONLINE


def test_a_newer_heartbeat_renews_what_is_known(watch, roster, seat, spore):
    seat.sent_since_beat = 3
    spore.beat(cpu=0.75)

    watch.look(roster)

    assert (seat.beat.cpu, seat.sent_since_beat) == (0.75, 0)


def test_the_same_heartbeat_twice_leaves_what_was_sent_since_charged(watch, roster, seat):
    seat.sent_since_beat = 3

    watch.look(roster)

    assert seat.sent_since_beat == 3


def test_silence_makes_a_node_suspect_and_a_heartbeat_clears_it(watch, roster, seat, spore):
    spore.beat(ago=20)
    silent = watch.look(roster)
    found = seat.state, seat.reason
    spore.beat()
    back = watch.look(roster)

    assert found[0] is NodeState.SUSPECT
    assert found[1].startswith("silent for 2")
    assert silent.changed == ["spore-1"]
    assert (seat.state, seat.reason, back.changed) == (NodeState.ONLINE, "", ["spore-1"])


def test_a_node_with_open_sockets_is_lost_after_45_seconds_of_silence(watch, roster, seat, spore):
    spore.beat(ago=45)

    watch.look(roster)

    assert seat.state is NodeState.LOST
    assert seat.reason.startswith("silent for 4")


def test_a_node_whose_sockets_are_closed_is_lost_at_the_second_look(watch, roster, seat, spore):
    spore.vanish()

    watch.look(roster)
    still = seat.state
    twice = watch.look(roster)
    thrice = watch.look(roster)

    assert (still, twice.changed, thrice.changed) == (NodeState.ONLINE, ["spore-1"], [])
    assert (seat.state, seat.reason) == (NodeState.LOST, "all its processes are gone")


def test_sockets_that_were_closed_for_a_moment_are_no_death(watch, roster, seat, spore, broker):
    spore.vanish()
    watch.look(roster)
    again = Spore(broker).listen()
    watch.look(roster)
    again.vanish()

    watch.look(roster)

    assert seat.state is NodeState.ONLINE


def test_a_lost_subscription_alone_proves_nothing(watch, roster, seat, spore):
    spore.go_deaf()

    for _ in range(3):
        watch.look(roster)

    assert seat.state is NodeState.ONLINE


def test_the_sockets_of_an_older_start_prove_nothing(watch, roster, seat, spore, broker):
    spore.go_deaf()
    Spore(broker, incarnation="two").beat()
    watch.look(roster)

    for _ in range(2):
        watch.look(roster)

    assert seat.state is NodeState.LOST


def test_a_lost_node_does_not_come_back_as_the_same_incarnation(watch, roster, seat, spore):
    spore.beat(ago=45)
    watch.look(roster)
    spore.beat()

    sighting = watch.look(roster)

    assert (seat.state, sighting.changed) == (NodeState.LOST, [])


def test_a_lost_node_comes_back_as_a_new_incarnation(watch, roster, seat, spore, broker):
    spore.beat(ago=45)
    watch.look(roster)
    Spore(broker, incarnation="two").listen().beat()

    sighting = watch.look(roster)

    assert (seat.state, seat.reason, seat.beat.incarnation) == (NodeState.ONLINE, "", "two")
    assert (sighting.changed, sighting.joined) == (["spore-1"], [])


def test_a_living_node_that_started_anew_is_online_and_one_loss_richer(watch, roster, seat, broker):
    Spore(broker, incarnation="two").listen().beat()

    sighting = watch.look(roster)

    assert (seat.state, seat.beat.incarnation) == (NodeState.ONLINE, "two")
    assert (len(seat.losses), sighting.changed) == (1, ["spore-1"])


def test_a_node_that_is_lost_again_and_again_rests_and_then_works_again(
    watch, roster, seat, broker
):
    for start in ("two", "three", "four"):
        Spore(broker, incarnation=start).listen().beat()
        watch.look(roster)
    rests = seat.state, seat.reason[:12]
    seat.losses = [at - 60 for at in seat.losses]
    watch.look(roster)

    assert rests == (NodeState.QUARANTINED, "lost 3 times")
    assert seat.state is NodeState.ONLINE


def test_a_node_in_trouble_gets_no_new_work_until_it_is_well(watch, roster, seat, spore):
    spore.beat(trouble="its disk is full")
    watch.look(roster)
    found = seat.state, seat.reason
    spore.beat()
    watch.look(roster)

    assert found == (NodeState.DRAINING, "its disk is full")
    assert (seat.state, seat.reason) == (NodeState.ONLINE, "")


def test_a_node_whose_release_proves_itself_is_updating_and_works(watch, roster, seat, spore):
    spore.beat(release="1.1.0", metrics={"ota": {"phase": "trial"}})
    watch.look(roster)
    then = (seat.state, seat.reason, seat.placeable)
    spore.beat(release="1.1.0", metrics={"ota": {"phase": "idle"}})
    watch.look(roster)

    assert then == (NodeState.UPDATING, "release 1.1.0 proves itself", True)
    assert (seat.state, seat.reason) == (NodeState.ONLINE, "")


def test_when_half_of_the_nodes_vanish_at_once_a_round_passes_before_the_verdict(
    watch, roster, broker
):
    spores = [Spore(broker, f"spore-{n}").listen().beat() for n in range(1, 5)]
    watch.look(roster)
    for spore in spores[:3]:
        spore.beat(ago=20)

    watch.look(roster)
    held_back = {each.state for each in roster}
    watch.look(roster, after=2)
    watch.look(roster, after=3)

    assert held_back == {NodeState.ONLINE}
    assert [each.state for each in roster] == [NodeState.SUSPECT] * 3 + [NodeState.ONLINE]


def test_a_look_tells_which_memory_redis_has(watch, roster, redis_client):
    redis_client.mset({"hive:epoch": 1, "hive:boot": "b"})
    remembers = watch.look(roster).boot
    redis_client.delete("hive:epoch")

    assert (remembers, watch.look(roster).boot) == ("b", "")


@pytest.mark.parametrize(
    ("intent", "state"),
    [(Intent.DRAIN, NodeState.DRAINING), (Intent.CORDON, NodeState.CORDONED)],
)
def test_a_living_node_is_called_by_what_its_operator_wants(watch, roster, seat, intent, state):
    seat.intent = intent
    drained = watch.look(roster)
    called = seat.state
    seat.intent = Intent.WORK
    watch.look(roster)

    assert (drained.changed, called, seat.state) == (["spore-1"], state, NodeState.ONLINE)


def test_an_intent_outlives_the_death_of_its_node(watch, roster, spore):
    roster.add(Seat("spore-1", intent=Intent.DRAIN))
    spore.listen().beat()

    watch.look(roster)

    assert roster["spore-1"].state is NodeState.DRAINING


def test_without_trust_heartbeats_are_read_and_nobody_is_judged(watch, roster, seat, spore):
    spore.vanish().beat(ago=90, cpu=0.75)

    watch.trust.shake(watch.now)
    for _ in range(3):
        watch.look(roster)

    assert seat.state is NodeState.ONLINE
    assert (seat.beat.cpu, seat.looks_without_sockets) == (0.75, 0)


def test_what_a_node_can_run_is_looked_up_by_the_digest_in_its_heartbeat(
    watch, roster, seat, spore, redis_client
):
    assert seat.tasks is None  # it does not say
    text = wire.list_tasks(["a.b"])
    spore.beat(tasks="")
    watch.look(roster)
    assert seat.tasks == frozenset()

    redis_client.set(wire.tasks_key(wire.digest_tasks(text)), text)
    spore.beat(tasks=wire.digest_tasks(text))
    watch.look(roster)

    assert seat.tasks == {"a.b"}
