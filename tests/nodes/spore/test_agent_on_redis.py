"""An agent, its slots and a Foreman that meet in a real Redis."""

import time
from datetime import timedelta
from functools import partial
from threading import Timer

import psutil
import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from hive_site.kernel.envelope import node_key
from nodes import wire
from nodes.domain.scoring import Weights
from nodes.foreman import Foreman
from nodes.keyring import Keyring
from nodes.leadership import Leadership
from nodes.mailbox import Mailbox
from nodes.models import Node
from nodes.spore.agent import STEP_SECONDS, Agent
from nodes.spore.identity import Identity
from nodes.spore.limits import Limits
from nodes.spore.line import Line
from nodes.spore.spool import Spool
from tests.nodes.cast import FLEET_KEY, Work, after, wait_until
from tests.nodes.spore.cast import WORK, FakeSensors, busy, idle, ready, step_until

#: All that subscribe.
CUT = {"_type": "pubsub"}
pytestmark = [pytest.mark.processes, pytest.mark.django_db]


@pytest.fixture
def start(real_broker, tmp_path):
    agents = []

    def build(slot_main):
        key = node_key(FLEET_KEY, "spore-1")
        agent = Agent(
            Identity("spore-1", key, "one", 1, "1.0"),
            open_line=partial(Line, real_broker.url),
            slot_main=slot_main,
            sensors=FakeSensors(),
            spool=Spool(tmp_path / "spool"),
            limits=Limits(tmp_path),
        )
        agents.append(agent)
        return agent

    yield build
    for agent in agents:
        agent._crew.kill_all()
        agent._line.close()


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


@pytest.mark.parametrize("while_it", ["listens", "does not listen"])
def test_an_agent_that_was_cut_off_hears_again(real_broker, while_it):
    line = Line(real_broker.url, Identity("spore-1", b"key", "one", 1, "1.0"))
    admin = real_broker.open()
    line.listen(0.0)
    cut = Timer(0.1 if while_it == "listens" else 0.0, admin.client_kill_filter, None, CUT)
    cut.start()
    if while_it != "listens":
        cut.join()

    with pytest.raises(RedisConnectionError):
        line.listen(10.0)
    line.listen(0.0)
    admin.publish(wire.control_channel("spore-1"), "look")

    assert line.listen(10.0)
    line.close()


def slots() -> list[psutil.Process]:
    children = psutil.Process().children()
    return [child for child in children if child.name() != "redis-server"]


def sockets_of(process: psutil.Process) -> set[str]:
    return {f"{socket.laddr.ip}:{socket.laddr.port}" for socket in process.net_connections()}


def living() -> list[psutil.Process]:
    return [slot for slot in slots() if slot.status() != psutil.STATUS_ZOMBIE]


def test_a_slot_that_dies_is_missed_at_once_however_long_the_agent_rests(start):
    agent = start(ready)
    step_until(agent, lambda: agent._rest(time.monotonic()) > STEP_SECONDS)
    beat_at = agent._beat_at

    with agent._bell.rung_by_signals(lambda *_: None):
        [slot] = living()
        slot.kill()
        begun = time.monotonic()
        agent.step(beat_at)  # its next heartbeat is two seconds off, and stays so
        agent.step(beat_at)

    assert time.monotonic() - begun < 1
    assert [child.pid for child in living()] != [slot.pid]


def test_a_slot_holds_none_of_its_agents_sockets(start, real_broker):
    agent, admin = start(idle), real_broker.open()
    step_until(agent, lambda: admin.pubsub_numsub(wire.control_channel("spore-1"))[0][1])
    first = slots()
    first[0].kill()
    step_until(agent, lambda: slots() and slots() != first)

    (slot,) = slots()  # forked while its agent's sockets were open

    name = wire.client_name("spore-1", "one")
    of_agent = {row["addr"] for row in admin.client_list() if row["name"] == name}
    assert len(of_agent) == 2
    wait_until(lambda: of_agent.isdisjoint(sockets_of(slot)))
    agent.step(time.monotonic() + wire.BEAT_SECONDS)
    assert agent._line.is_taken()  # closing its copies cut nothing off
    assert agent._line.sweep(set()) == set()


def test_a_spore_joins_and_an_operators_slots_reach_it(start, foreman):
    agent = start(idle)
    agent.step(time.monotonic())
    foreman.tick(after(0))
    joined = Node.objects.get()
    Node.objects.update(wanted_slots=3)
    foreman.tick(after(5))

    step_until(agent, lambda: len(living()) == 3)

    assert (joined.state, joined.slots) == ("online", 1)
    foreman.tick(after(10))
    assert Node.objects.get().slots == 3


def test_a_spore_that_was_given_up_comes_back_as_another_incarnation(start, foreman, real_broker):
    agent = start(busy(WORK))
    step_until(agent, lambda: any(work.busy for work in agent._crew.works()))
    (slot,) = slots()
    foreman.tick(after(0))
    goodbye = Line(real_broker.url, agent.identity)
    goodbye.report({"leaving": True, "events": []})
    foreman.wait(timedelta(seconds=20))
    foreman.tick(after(5))
    given_up = Node.objects.get()

    step_until(agent, lambda: agent.identity.incarnation != "one")
    agent.step(time.monotonic())
    foreman.tick(after(6))

    back = Node.objects.get()
    assert (given_up.state, given_up.incarnation) == ("lost", "one")
    assert not slot.is_running()
    assert (back.state, back.incarnation) == ("online", agent.identity.incarnation)
    goodbye.close()
