"""A real launcher, and what is not there any more, stands still, or cannot be written."""

import os
import selectors
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ota.domain.install.events import Anew, Exited
from ota.domain.install.state import OWN, Slot
from ota.spore import agents, succession
from ota.spore.agents import Agent, Recipe
from ota.spore.messenger import Messenger
from ota.spore.stagers import COMMAND, Stager
from tests.end_to_end.colony import until
from tests.ota.spore.theatre import PROJECT, Theatre

pytestmark = pytest.mark.processes
NOWHERE = "/nowhere/python"


@pytest.fixture
def theatre(tmp_path):
    theatre = Theatre(tmp_path)
    yield theatre
    theatre.close()


@pytest.fixture
def on_v1(theatre):
    theatre.cast("v1")
    theatre.open().wait_for("own")
    theatre.want("v1")
    theatre.wait_for("v1", attempt="healthy")
    return theatre


def test_a_release_whose_files_are_gone_is_replaced_and_brought_here_anew(on_v1):
    on_v1.end()
    wing = on_v1.place / "wings" / "v1"
    shutil.move(wing, on_v1.place / "away")

    on_v1.open().wait_for("own")
    until(lambda: on_v1.attempt() == "failed", within=20, what="word that it cannot be had")
    shutil.move(on_v1.place / "away", wing)
    on_v1.want("v1")

    on_v1.wait_for("v1", attempt="healthy")


def test_a_switch_that_could_not_be_saved_is_made_as_soon_as_it_can_be(on_v1):
    spare = on_v1.place / "home" / "ota" / "state.new"
    stage = on_v1.place / "stage"
    (stage / "ready-own").unlink()
    spare.mkdir()

    on_v1.want("own", order="own")
    until((stage / "ready-own").exists, within=20, what="the old code behind the gate")
    working = on_v1.working()
    spare.rmdir()

    on_v1.wait_for("own", attempt="healthy")
    assert working == ["v1"]


def test_a_program_that_is_not_there_is_an_agent_that_ended():
    agent = Agent(Recipe((), {}), Slot(OWN, "0", python=NOWHERE, tree="/"))
    try:
        agent.kill()
        log = agent.pass_on()
    finally:
        agent.close()

    assert agent.ended() == 127
    assert NOWHERE in log.decode()


def test_a_stager_that_does_not_start_has_ended_without_a_word():
    stager = Stager((NOWHERE,), {}, env={})

    assert stager.listen()
    stager.stop()
    assert stager.outcome == {}


class Troupe:
    """Puppets without a launcher. `after` looks until something is so."""

    def __init__(self, place, **part):
        self._theatre = Theatre(place, **part)
        self.selector = selectors.DefaultSelector()
        recipe = Recipe((), {"STAGE": str(place / "stage")})
        self.agents = succession.Succession(recipe, self.selector)
        self.own = Slot(OWN, "own", python=sys.executable, tree=str(place / "wings" / "own"))
        self.ends, self._ticked_at = [], 0.0
        self.agents.start(self.own, probed=False)
        self.after(lambda: self.agents.current.live, "its first heartbeat")

    def after(self, check, what):
        def look():
            if (now := time.monotonic()) - self._ticked_at > 0.2:
                self._ticked_at = now
                self.agents.tick({})
            self.ends += [e for e in self.agents.look() if isinstance(e, Anew | Exited)]
            return check()

        until(look, within=20, what=what)

    def close(self):
        for agent in self.agents.agents:
            agent.kill()
        self.agents.look()
        self.selector.close()
        self._theatre.close()


@pytest.fixture
def cast(tmp_path):
    troupes = []

    def make(**part):
        troupes.append(Troupe(tmp_path, **part))
        return troupes[-1]

    yield make
    for troupe in troupes:
        troupe.close()


def test_a_retired_agent_that_stands_still_is_ended_when_its_time_is_up(cast, monkeypatch):
    monkeypatch.setattr(succession, "FROZEN_SECONDS", 0.0)
    troupe = cast(long=True)
    troupe.agents.start_warm(troupe.own)
    troupe.after(lambda: troupe.agents.warm.ready, "its heir")

    troupe.agents.hand_over(troupe.own, seconds=0.0)
    troupe.after(lambda: not troupe.agents.elders, "the end of the elder")

    assert [type(end) for end in troupe.ends] == [Anew]


def test_an_agent_that_stands_still_is_ended_so_that_another_one_can_work(cast, monkeypatch):
    monkeypatch.setattr(agents, "STUCK_SECONDS", 1.0)
    troupe = cast()

    troupe.agents.current.signal(signal.SIGSTOP)
    troupe.after(lambda: troupe.ends, "its end")

    assert troupe.ends == [Exited(-9, "signal SIGKILL: it stood still for 1 s")]


def test_a_fault_of_its_own_does_not_keep_a_launcher_from_asking_again():
    answers = iter([ValueError("a bug"), {"rev": 7}])

    class Desk:
        def sync(self, body):
            answer = next(answers, None) or {"rev": 8}
            if isinstance(answer, Exception):
                raise answer
            return answer

    messenger = Messenger(Desk(), wake=lambda: None, poll=0.01)
    messenger.send_off(lambda: 1 / 0)
    messenger.post({"rev": 1}, now=True)

    until(lambda: {"rev": 7} in messenger.collect(), within=20, what="an answer")


def test_a_stager_does_not_outlive_its_launcher():
    code = f"""
import subprocess, sys, time
child = subprocess.Popen({COMMAND!r}, start_new_session=True)
print(child.pid, flush=True)
time.sleep(60)
"""
    # It waits for a request that this test never ends to write.
    launcher = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
    )
    stager = Path(f"/proc/{int(launcher.stdout.readline())}")
    until(lambda: has_begun(stager), within=20, what="the stager's main")

    launcher.kill()

    try:
        until(lambda: is_over(stager), within=20, what="the end of the stager")
    finally:
        launcher.communicate()


def has_begun(process):
    caught = next(row for row in (process / "status").read_text().split("\n") if "SigCgt" in row)
    return int(caught.split()[1], 16) >> (signal.SIGALRM - 1) & 1


def is_over(process):
    try:
        return (process / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True
