import time

import pytest

from nodes.domain.commands import Call, Command
from nodes.spore.commands import reply_to
from tests.nodes.cast import SAID
from tests.nodes.spore.cast import idle


def reply(command, *, incarnation="one", managed=False, **data):
    call = Call("bc_1", command, "one", 130.0, data)
    said = {**SAID, "running": [(7, 1.0, 0.5, "half")]}
    return reply_to(
        call, incarnation=incarnation, said=said, uptime_seconds=61.234, managed=managed
    )


def test_a_ping_comes_back_with_what_it_carried():
    assert (reply(Command.PING, n=3).ok, reply(Command.PING, n=3).data) == (
        True,
        {"echo": {"n": 3}},
    )


def test_the_status_is_the_newest_heartbeat_in_figures():
    told = reply(Command.STATUS).data

    assert (told["cpu"], told["memory"], told["slots"]) == (0.25, 0.5, 2)
    assert (told["running"], told["release"], told["uptime_seconds"]) == (1, "1.0", 61.2)


@pytest.mark.parametrize("command", [Command.DRAIN, Command.RESUME])
def test_what_the_foreman_decides_is_only_acknowledged(command):
    assert (reply(command).ok, reply(command).data) == (True, {"running": 1})
    assert not reply(command).ends


def test_a_spore_without_a_managed_home_says_that_it_cannot_be_updated():
    said = reply(Command.UPDATE_SYSTEM)

    assert (said.ok, said.data) == (False, {"reason": "no managed home", "release": "1.0"})


def test_a_managed_spore_looks_for_an_update():
    said = reply(Command.UPDATE_SYSTEM, managed=True)

    assert (said.ok, said.data) == (True, {"release": "1.0", "managed": True})


def test_only_the_start_that_was_meant_shuts_down():
    assert reply(Command.SHUTDOWN).ends
    later = reply(Command.SHUTDOWN, incarnation="two")
    assert (later.ok, later.ends) == (False, False)
    assert "earlier start" in later.data["reason"]


@pytest.mark.processes
def test_an_agent_answers_each_call_once_after_its_orders(start, exchange):
    agent = start(idle)
    exchange.calls = [Call("bc_1", Command.PING, "one", time.time() + 30)]
    agent.step(time.monotonic())
    agent._beat_at = 0.0
    agent.step(time.monotonic())

    assert len(exchange.beats) == 2
    assert exchange.answers == [("bc_1", True, {"echo": {}})]


@pytest.mark.processes
def test_a_call_that_expired_on_the_clock_of_redis_is_not_heard(start, exchange):
    agent = start(idle)
    exchange.clock_ahead_seconds = 60
    exchange.calls = [Call("bc_1", Command.PING, "one", time.time() + 30)]

    agent.step(time.monotonic())

    assert exchange.answers == []


@pytest.mark.processes
def test_an_agent_that_is_told_to_shut_down_says_so_and_goes(start, exchange):
    agent = start(idle)
    exchange.calls = [Call("bc_1", Command.SHUTDOWN, "one", time.time() + 30)]

    agent.run()

    assert exchange.answers == [("bc_1", True, {"running": 0})]
    assert exchange.said[-1] == {"leaving": True, "events": []}
