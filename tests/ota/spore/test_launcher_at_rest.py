"""How long a launcher rests between two looks."""

import sys
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest

from ota.domain.install.state import OWN, Slot
from ota.domain.states import Phase
from ota.spore.agents import Recipe
from ota.spore.launcher import STEP_SECONDS, TICK_SECONDS, Launcher
from ota.spore.nexus import NexusAway
from ota.spore.options import Options


class Nowhere:
    """A Nexus that is not there."""

    def sync(self, body):
        raise NexusAway("no route")


@pytest.fixture
def launcher(tmp_path):
    """A launcher that ticked just now, and whose agent works."""
    options = Options(
        home=tmp_path,
        own=Slot(OWN, "1", python=sys.executable, tree=str(tmp_path)),
        recipe=Recipe((), {}),
        desk=Nowhere(),
        channels=("dev",),
        stager={},
        stager_env={},
    )
    launcher = Launcher(options)
    launcher._agents.current = SimpleNamespace(live=True)
    launcher._ticked_at = time.monotonic()
    return launcher


def test_who_watches_over_an_agent_that_works_rests_until_the_next_tick(launcher):
    assert STEP_SECONDS < launcher._rest() <= TICK_SECONDS


def test_a_tick_that_is_late_is_not_waited_for(launcher):
    launcher._ticked_at -= TICK_SECONDS + 1

    assert launcher._rest() == 0


def test_an_agent_that_is_dead_or_was_not_heard_yet_is_looked_after(launcher):
    launcher._agents.current.live = False
    unheard = launcher._rest()
    launcher._agents.current = None

    assert (unheard, launcher._rest()) == (STEP_SECONDS, STEP_SECONDS)


def test_so_is_one_beside_another(launcher):
    launcher._agents.warm = SimpleNamespace(live=False)

    assert launcher._rest() == STEP_SECONDS


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not Phase.IDLE])
def test_so_is_one_that_is_to_be_replaced_or_proved(launcher, phase):
    launcher._machine.state = replace(launcher._machine.state, phase=phase)

    assert launcher._rest() == STEP_SECONDS
