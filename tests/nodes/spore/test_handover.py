"""One agent takes another's place: nothing runs twice, and nothing is lost."""

import os
import signal

import psutil
import pytest

from nodes import wire
from nodes.domain.scoring import Weights
from nodes.foreman import Foreman
from nodes.keyring import Keyring
from nodes.leadership import Leadership
from nodes.mailbox import Mailbox
from nodes.models import Node
from tests.nodes.cast import FLEET_KEY, Work, after, wait_until
from tests.nodes.spore.launched import NODE, Seam

pytestmark = pytest.mark.processes


@pytest.fixture
def seam(tmp_path, real_broker):
    seam = Seam(tmp_path, real_broker)
    yield seam
    seam.close()


def live(seam, **env):
    """An agent that serves, and its incarnation."""
    child = seam.start(**env)
    return child, child.hear("live")["incarnation"]


def hand_over(seam, old, incarnation, *, seconds=3600, **env):
    """A new agent in the place of an old one."""
    new = seam.start(gated=True, incarnation=incarnation, **env)
    new.hear("ready")
    old.say("retire", {"seconds": seconds})
    new.say("go", {"elders": [old.hear("retired")]})
    new.hear("live")
    return new


def ended(new, old):
    """The old one ended, and the launcher tells the new one."""
    code = old.end()
    new.say("elders", [])
    return code


def test_the_new_agent_takes_work_while_the_old_one_finishes(seam):
    old, incarnation = live(seam)
    _, until = seam.hold(old, incarnation=incarnation)

    new = hand_over(seam, old, incarnation)
    seam.send("demo.echo", ["fresh"], incarnation=incarnation)
    wait_until(lambda: new.listen() or seam.results() == {101: "fresh"})
    until.touch()

    assert ended(new, old) == 0
    assert seam.results().keys() == {100, 101}
    assert len(seam.log()) == 1
    assert [body for body in seam.reports() if body.get("leaving")] == []
    assert seam.lists() == []
    assert new.hear("probe")["ok"]


def test_heartbeats_of_the_new_agent_tell_what_the_old_one_runs(seam):
    old, incarnation = live(seam)
    bundle, _ = seam.hold(old, incarnation=incarnation)

    hand_over(seam, old, incarnation)

    told = old.hear("retired")
    assert told["bundles"] == [bundle]
    assert [row[0] for row in seam.beat()["running"]] == [100]
    assert [row[0] for row in seam.beat()["held_mb"]] == [100]
    assert seam.beat()["incarnation"] == incarnation


def test_the_new_agent_hands_nothing_back_that_the_old_one_runs(seam, wakes):
    old, incarnation = live(seam)
    bundle, until = seam.hold(old, incarnation=incarnation)
    new = hand_over(seam, old, incarnation)

    wakes(new, 5)

    assert seam.lists() == [bundle.encode()]
    assert seam.events("back") == seam.events("died") == []
    until.touch()
    assert ended(new, old) == 0
    assert seam.results().keys() == {100}


@pytest.fixture
def wakes(seam):
    """Lets an agent look so often."""

    def wake(child, times):
        for _ in range(times):
            before = seam.redis.xrevrange(wire.beat_key(NODE), count=1)
            seam.redis.publish(wire.control_channel(NODE), "look")
            wait_until(
                lambda before=before: (
                    child.listen() or seam.redis.xrevrange(wire.beat_key(NODE), count=1) != before
                )
            )

    return wake


def test_the_untouched_rest_of_a_bundle_is_handed_back(seam):
    old, incarnation = live(seam)
    log = str(seam.home / "log")
    items = [{"log": log, "n": n, "seconds": 0.5} for n in range(3)]
    seam.send("seam.note", items, incarnation=incarnation)
    wait_until(seam.log)

    old.say("retire", {"seconds": 3600})

    assert old.end() == 0
    (back,) = [event["attempts"] for event in seam.events("back")]
    assert sorted([*seam.results(), *back]) == [100, 101, 102]
    assert len(seam.log()) == len(seam.results())
    assert seam.lists() == []


def test_what_is_popped_just_as_the_old_one_retires_is_run_once_or_handed_back(seam):
    old, incarnation = live(seam, slots=2)
    log = str(seam.home / "log")
    new = seam.start(gated=True, incarnation=incarnation, slots=2)
    new.hear("ready")

    for n in range(200):
        seam.send("seam.note", [{"log": log, "n": n}], incarnation=incarnation)
        if n == 100:
            old.say("retire", {"seconds": 3600})
        old.listen(0)
    new.say("go", {"elders": [old.hear("retired")]})

    assert ended(new, old) == 0
    wait_until(lambda: new.listen() or not seam.lists())
    back = [a for event in seam.events("back") for a in event.get("attempts", [])]
    assert sorted([*seam.results(), *back]) == list(range(100, 300))
    assert sorted(map(int, seam.log())) == sorted(seam.results().values())


def test_work_of_the_old_agent_can_be_cancelled(seam):
    old, incarnation = live(seam)
    seam.hold(old, incarnation=incarnation)
    new = hand_over(seam, old, incarnation)

    seam.redis.set(wire.cancel_key("job_1.1"), "1", ex=60)

    assert ended(new, old) == 0
    assert [event["a"] for event in seam.events("cancelled")] == [100]


def test_the_old_agent_holds_deadlines(seam):
    old, incarnation = live(seam)
    seam.hold(old, incarnation=incarnation, timeout=2)

    new = hand_over(seam, old, incarnation)

    assert ended(new, old) == 0
    assert [event["a"] for event in seam.events("timeout")] == [100]


def test_what_takes_too_long_is_ended_and_told_as_lost(seam):
    old, incarnation = live(seam)
    seam.hold(old, incarnation=incarnation)
    slots = psutil.Process(old.process.pid).children()

    new = hand_over(seam, old, incarnation, seconds=0.2)

    assert ended(new, old) == 0
    (died,) = seam.events("died")
    assert (died["a"], died["why"], died["how"]) == (100, "handover", "it ran on for 0 s")
    assert seam.lists() == []
    assert not any(slot.is_running() for slot in slots)
    assert old.hear("works")["bundles"] == []


def test_what_the_old_agent_ran_at_most_once_when_it_was_killed_is_lost_and_not_handed_back(seam):
    old, incarnation = live(seam)
    seam.hold(old, incarnation=incarnation)
    new = hand_over(seam, old, incarnation)

    old.kill()
    new.say("elders", [])
    wait_until(lambda: new.listen() or seam.events("died"))

    (died,) = seam.events("died")
    assert (died["a"], died["why"]) == (100, "handover")
    assert died["t0"] < died["t1"]
    wait_until(lambda: not seam.lists())
    assert seam.events("back") == []
    assert len(seam.log()) == 1


def test_a_new_agent_that_crashes_leaves_the_old_ones_work_alone(seam):
    old, incarnation = live(seam)
    _, until = seam.hold(old, incarnation=incarnation)
    new = hand_over(seam, old, incarnation)

    new.kill()
    until.touch()

    assert old.end() == 0
    assert seam.results().keys() == {100}
    assert seam.lists() == []


def test_an_old_agent_ends_its_work_when_another_incarnation_speaks_for_the_node(seam):
    old, incarnation = live(seam)
    seam.hold(old, incarnation=incarnation)
    new = hand_over(seam, old, incarnation)
    new.kill()

    live(seam, HIVE_INCARNATION="another")

    assert old.end() == 0
    assert seam.results() == {}


def test_a_new_agent_that_was_given_up_says_so_and_disowns_its_elders(seam):
    from hive_site.kernel.envelope import seal
    from tests.nodes.spore.launched import KEY

    old, incarnation = live(seam)
    seam.hold(old, incarnation=incarnation)
    new = hand_over(seam, old, incarnation)
    order = f'{{"v": {wire.PROTOCOL}, "slots": null, "over": "{incarnation}"}}'
    seam.redis.set(wire.orders_key(NODE), seal(order, key=KEY, purpose=wire.PURPOSE_ORDER))

    reborn = new.hear("reborn")["incarnation"]
    wait_until(lambda: new.listen() or seam.beat()["incarnation"] == reborn)

    assert reborn != incarnation
    assert seam.beat()["running"] == []
    assert old.end() == 0  # it reads the same orders


def test_a_retired_agent_leaves_its_name_to_others(seam):
    old, incarnation = live(seam)
    seam.hold(old, incarnation=incarnation)

    old.say("retire", {"seconds": 3600})
    old.hear("retired")

    channel = wire.control_channel(NODE)
    wait_until(lambda: not seam.redis.pubsub_numsub(channel)[0][1])


def test_a_signal_ends_a_retired_agent_without_making_its_node_leave(seam):
    old, incarnation = live(seam)
    _, until = seam.hold(old, incarnation=incarnation)
    new = hand_over(seam, old, incarnation)

    os.kill(old.process.pid, signal.SIGTERM)
    until.touch()

    assert ended(new, old) == 0
    assert seam.results().keys() == {100}
    assert [body for body in seam.reports() if body.get("leaving")] == []


def test_after_an_old_agent_that_died_before_it_told_what_it_runs_the_new_one_starts_anew(seam):
    old, incarnation = live(seam, HIVE_CRASH_AT="agent.retired")
    seam.hold(old, incarnation=incarnation)
    new = seam.start(gated=True, incarnation=incarnation)
    new.hear("ready")
    old.say("retire", {"seconds": 60})
    assert old.end() == 137

    new.say("go", {"elders": [], "anew": True})

    reborn = new.hear("live")["incarnation"]
    assert new.hear("probe")["ok"]
    assert incarnation != reborn == seam.beat()["incarnation"]
    assert len(seam.log()) == 1  # the Foreman knows what may run again


def test_what_an_old_agent_ran_that_died_before_the_new_one_went_is_lost_all_the_same(seam):
    old, incarnation = live(seam)
    seam.hold(old, incarnation=incarnation)
    new = seam.start(gated=True, incarnation=incarnation)
    new.hear("ready")
    old.say("retire", {"seconds": 60})
    works = old.hear("retired")
    old.kill()

    new.say("go", {"elders": [works]})
    new.say("elders", [])

    wait_until(lambda: new.listen() or seam.events("died"))
    assert seam.events("back") == []


@pytest.mark.parametrize(("point", "said"), [("agent.ready", []), ("agent.live", ["ready"])])
def test_a_new_agent_that_dies_on_its_way_is_seen_to(seam, point, said):
    old, incarnation = live(seam)
    new = seam.start(gated=True, incarnation=incarnation, HIVE_CRASH_AT=point)
    new.say("go", {"elders": []}) if said else None

    assert new.end() == 137
    assert new.words() == said
    assert old.process.poll() is None


@pytest.fixture
def foreman(real_broker):
    client = real_broker.open()
    return Foreman(
        client=client,
        leadership=Leadership(client),
        mailbox=Mailbox(client, keyring=Keyring(FLEET_KEY)),
        workload=Work(),
        keyring=Keyring(FLEET_KEY),
        weights=Weights(),
    )


@pytest.mark.django_db
def test_the_foreman_sees_no_death(seam, foreman):
    old, incarnation = live(seam)
    _, until = seam.hold(old, incarnation=incarnation)
    foreman.tick(after(0))
    states = []

    new = seam.start(gated=True, incarnation=incarnation)
    new.hear("ready")
    old.say("retire", {"seconds": 60})
    works = old.hear("retired")
    for second in range(1, 4):
        foreman.tick(after(second))
        states.append(Node.objects.get().state)
    new.say("go", {"elders": [works]})
    new.hear("probe")
    until.touch()
    old.end()
    for second in range(4, 7):
        foreman.tick(after(second))
        states.append(Node.objects.get().state)

    assert set(states) == {"online"}
    assert Node.objects.get().incarnation == incarnation
