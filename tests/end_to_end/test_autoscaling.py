"""A pool of Spores on this machine, with real processes: it follows the work and survives its
Foreman."""

import os
import signal
from pathlib import Path

import psutil
import pytest

from nodes.autoscaling.providers.process import find_spores
from tests.end_to_end.colony import Colony, is_gone, until
from tests.end_to_end.marks import Marks

pytestmark = pytest.mark.processes

POOLS = """
[pools.cpu]
provider = "process"
max = 3
target_wait_seconds = 1
calm_seconds = 2
cooldown_seconds = 0.5
start_timeout_seconds = 60
"""


@pytest.fixture(scope="module")
def elastic(tmp_path_factory):
    """A Hive without any Spore, and a pool."""
    place = tmp_path_factory.mktemp("elastic")
    pools = place / "pools.toml"
    pools.write_text(POOLS)
    colony = Colony(place / "hive", spores=0, HIVE_AUTOSCALE_FILE=str(pools))
    yield colony
    colony.stop()
    assert spores(colony) == {}


@pytest.fixture
def marks(tmp_path):
    marks = Marks(Path(tmp_path) / "marks")
    yield marks
    marks.go()


def spores(colony) -> dict[str, psutil.Process]:
    return find_spores(colony.stack.data / "pools" / "cpu")


def pool(colony):
    return colony.cluster()["pools"]["cpu"]


def leads_anew(colony, epoch) -> bool:
    """Whether a new leader, started if need be, sees two nodes in the pool."""
    colony.stack.mind(restart=True)
    view = colony.cluster()
    return view["foreman"]["epoch"] > epoch and view["pools"].get("cpu", {}).get("ready") == 2


def test_a_pool_follows_the_work_replaces_the_dead_and_shrinks_to_nothing(elastic, marks):
    assert spores(elastic) == {}
    job = elastic.hive.submit("odd.hold", [str(marks.place)] * 2, retries=0)["id"]
    marks.await_count(2)
    assert len(spores(elastic)) == 2

    # A machine dies: another one takes its place and its work.
    struck, victim = next(iter(spores(elastic).items()))
    os.kill(victim.pid, signal.SIGKILL)
    marks.await_count(3)
    assert struck not in spores(elastic)

    # The Foreman dies: its successor finds what runs, and starts nothing beside it.
    before = set(spores(elastic).values())
    epoch = elastic.cluster()["foreman"]["epoch"]
    elastic.kill("foreman")
    assert set(spores(elastic).values()) == before
    until(lambda: leads_anew(elastic, epoch), what="a new leader that knows both")
    assert set(spores(elastic).values()) == before

    # Calm: drained, removed, forgotten.
    marks.go()
    assert elastic.hive.wait(job, 30)["state"] == "succeeded"
    until(lambda: not spores(elastic), what="the end of all Spores")
    assert all(map(is_gone, before))
    until(lambda: not elastic.nodes(), what="no node that is gone")
    changes = [change["what"].split()[0] for change in pool(elastic)["changes"]]
    assert changes.count("drained") == 2
    assert "started" not in changes
    assert {row["attempts"] for row in elastic.subtasks(job)} <= {1, 2}
