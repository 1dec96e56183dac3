"""How long an agent rests between two looks."""

import time

import pytest

from nodes import wire
from nodes.spore import agent as module
from nodes.spore.agent import CALM_STEP_SECONDS
from nodes.spore.leash import Launch
from nodes.spore.limits import Limits
from tests.nodes.spore.cast import WORK, FakeLeash, idle, ready, step_until

pytestmark = pytest.mark.processes


def begin(identity, board, index):
    """Work as soon as there are tasks."""
    board[index].write(WORK)
    ready(identity, board, index)


def calm(exchange):
    return exchange.rests and exchange.rests[-1] > module.STEP_SECONDS


def test_who_has_nothing_to_do_rests_longer(start, exchange):
    agent = start(ready, slots=2)

    step_until(agent, lambda: calm(exchange))

    assert max(exchange.rests) <= CALM_STEP_SECONDS


def test_no_rest_is_longer_than_the_time_to_the_next_heartbeat(start, exchange):
    agent = start(ready)
    step_until(agent, lambda: calm(exchange))
    at = time.monotonic() + wire.BEAT_SECONDS

    agent.step(at)
    agent.step(at + wire.BEAT_SECONDS - 0.25)

    assert exchange.rests[-2:] == [CALM_STEP_SECONDS, pytest.approx(0.25)]


def test_who_may_not_send_a_heartbeat_that_is_due_rests_all_the_same(start, exchange):
    leash = FakeLeash()
    agent = start(ready, launch=Launch(leash))
    step_until(agent, lambda: calm(exchange))

    leash.is_held = False
    agent.step(time.monotonic() + 10 * wire.BEAT_SECONDS)

    assert exchange.rests[-1] == module.STEP_SECONDS


@pytest.mark.parametrize("life", [begin, idle])
def test_while_something_runs_or_is_loaded_it_looks_at_every_step(start, exchange, life):
    agent = start(life)

    step_until(agent, lambda: len(exchange.rests) > 20)

    assert set(exchange.rests) == {module.STEP_SECONDS}


def test_slots_with_a_limit_to_their_memory_are_looked_at_at_every_step(start, exchange, tmp_path):
    agent = start(ready)
    agent._crew._limits = Limits(tmp_path, slot_memory_mb=1_000_000)

    step_until(agent, lambda: agent._crew.is_ready() and len(exchange.rests) > 20)

    assert set(exchange.rests) == {module.STEP_SECONDS}
