"""The signs of life that an agent leaves for whoever looks after its container."""

import time
from dataclasses import replace

import pytest

from hive_site.kernel.pulse import Pulse, read_sign
from nodes.spore.leash import ALONE
from tests.nodes.spore.cast import idle

pytestmark = pytest.mark.processes


@pytest.fixture
def path(tmp_path):
    return tmp_path / "pulse"


@pytest.fixture
def agent(start, exchange, path):
    exchange.wake_up = True
    return start(idle, launch=replace(ALONE, pulse=Pulse(path)))


def test_who_beats_says_so(agent, path):
    agent.step(time.monotonic())

    sign = read_sign(path)
    assert (sign.state, sign.works) == ("beats", True)


def test_who_is_cut_off_lives_and_cannot_work(agent, exchange, path):
    agent.step(time.monotonic())
    exchange.away = True

    agent.step(time.monotonic())

    sign = read_sign(path)
    assert (sign.state, sign.works) == ("is cut off from Redis", False)


def test_who_comes_back_works_again(agent, exchange, path):
    exchange.away = True
    agent.step(time.monotonic())
    exchange.away = False

    agent.step(time.monotonic())

    assert read_sign(path).works
