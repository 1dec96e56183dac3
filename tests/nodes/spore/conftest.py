"""An agent that talks to nobody and really forks its slots."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nodes.spore import agent as module
from nodes.spore.agent import Agent
from nodes.spore.leash import ALONE, Launch
from nodes.spore.limits import Limits
from nodes.spore.spool import Spool
from tests.nodes.spore.cast import ME, Exchange, FakeSensors


@pytest.fixture
def exchange() -> Exchange:
    return Exchange()


@pytest.fixture
def start(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Callable[..., Agent]]:
    """Builds agents; whatever slots they have at the end are killed."""
    monkeypatch.setattr(module, "STEP_SECONDS", 0.001)
    agents: list[Agent] = []

    def build(slot_main: Any, *, slots: int = 1, launch: Launch = ALONE) -> Agent:
        agents.append(
            Agent(
                replace(ME, slots=slots),
                open_line=exchange.open_line,
                slot_main=slot_main,
                sensors=FakeSensors(),
                spool=Spool(tmp_path / "spool"),
                limits=Limits(tmp_path),
                launch=launch,
            )
        )
        return agents[-1]

    yield build
    for agent in agents:
        agent._crew.kill_all()
