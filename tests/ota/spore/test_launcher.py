"""A real launcher with puppets for agents: what runs, and what the Nexus is told."""

import os
import signal

import pytest

from tests.end_to_end.colony import until
from tests.ota.spore.theatre import Theatre, digest

pytestmark = pytest.mark.processes


@pytest.fixture
def theatre(tmp_path):
    theatre = Theatre(tmp_path)
    yield theatre
    theatre.close()


@pytest.fixture
def open_(theatre):
    theatre.open().wait_for("own")
    return theatre


def test_it_runs_its_own_code_until_something_is_wanted(open_):
    report = open_.report

    assert (report["phase"], report["active"]) == ("idle", {"sha256": "", "version": "own"})
    assert open_.end() == 0
    assert open_.agents() == []


def test_a_release_takes_over_under_the_same_incarnation(open_):
    before = open_.incarnations()
    open_.cast("v1")

    open_.want("v1")
    open_.wait_for("v1", attempt="healthy")

    assert open_.incarnations() == before
    assert open_.report["active"]["sha256"] == digest("v1")
    assert open_.report["previous"] == {"sha256": "", "version": "own"}
    assert open_.finished() == ["own"]


def test_it_lies_ready_until_its_turn_comes(open_):
    open_.cast("v1")
    open_.want("v1", order="stage")
    until(lambda: open_.attempt() == "staged", within=20, what="staged")
    working = open_.working()

    open_.want("v1")
    open_.wait_for("v1", attempt="healthy")

    assert working == ["own"]


def test_a_task_that_runs_long_goes_on_beside_the_new_release(theatre):
    theatre.recast("own", long=True)
    theatre.open().wait_for("own")
    theatre.cast("v1")

    theatre.want("v1")
    theatre.wait_for("v1", attempt="healthy")
    agents = len(theatre.agents())
    (theatre.place / "stage" / "finish").touch()
    until(lambda: theatre.finished() == ["own"], within=20, what="the elder's end")

    assert agents == 2
    until(lambda: len(theatre.agents()) == 1, within=20, what="one agent")


@pytest.mark.parametrize(
    ("part", "state", "code", "reason"),
    [
        ({"preflight": "SyntaxError"}, "failed", "preflight", "Broken: SyntaxError"),
        ({"preflight": "exit 0"}, "failed", "preflight", "exit code 0"),
        ({"crash_after": 0.05}, "rolled_back", "crash", "Broken: crashed"),
        ({"crash_after": 0.05, "how": "exit 0"}, "rolled_back", "crash", "exit code 0"),
        ({"probe": "no answer"}, "rolled_back", "probe", "no answer"),
        ({"probe": "none"}, "rolled_back", "deadline", "not proved after 1 s"),
    ],
)
def test_what_is_broken_never_stays(open_, part, state, code, reason):
    open_.cast("v1", **part)

    open_.want("v1", deadline=1, probation=1)
    open_.wait_for("own", attempt=state)

    until(lambda: open_.report["phase"] == "idle", within=20, what="rest")
    attempt = open_.report["attempt"]
    assert (attempt["code"], attempt["sha256"]) == (code, digest("v1"))
    assert reason in attempt["reason"]
    assert open_.report["active"]["version"] == "own"


def test_a_release_that_cannot_be_had_changes_nothing(open_):
    open_.want("v1")
    until(lambda: open_.attempt() == "failed", within=20, what="failed")

    assert open_.report["attempt"]["code"] == "download"
    assert open_.working() == ["own"]


def test_the_way_back_needs_nothing_from_the_nexus(open_):
    open_.cast("v1")
    open_.cast("v2")
    for version in ("v1", "v2"):
        open_.want(version)
        open_.wait_for(version, attempt="healthy")
    log = (open_.place / "log").read_text().count("stager.starts")

    open_.want("v1")
    open_.wait_for("v1", attempt="healthy")
    open_.want("", order="own")
    open_.wait_for("own", attempt="healthy")

    assert (open_.place / "log").read_text().count("stager.starts") == log == 2


def test_one_that_crashes_again_and_again_later_on_is_rolled_back(open_):
    open_.cast("v1")
    open_.want("v1")
    open_.wait_for("v1", attempt="healthy")
    until(lambda: len(open_.agents()) == 1, within=20, what="the end of the old agent")
    open_.recast("v1", crash_after=0.1)
    os.kill(open_.agents()[0], signal.SIGKILL)

    open_.wait_for("own", attempt="rolled_back")

    assert open_.report["attempt"]["code"] == "late"


def test_if_the_one_before_is_broken_too_the_launcher_stays_and_takes_another(open_):
    open_.cast("v1")
    open_.want("v1")
    open_.wait_for("v1", attempt="healthy")
    open_.cast("v2", crash_at="word")
    open_.want("v2", probation=60)
    open_.wait_for("v2")
    open_.recast("v1", preflight="the disk ate it")
    (open_.place / "stage" / "word").touch()
    until(lambda: open_.report["phase"] == "safe", within=20, what="safe mode")
    working = open_.working()
    open_.cast("v3")

    open_.want("v3")
    open_.wait_for("v3", attempt="healthy")

    assert working == []


def test_an_agent_that_does_not_retire_is_ended_and_begins_anew(theatre):
    theatre.recast("own", deaf=True)
    theatre.open().wait_for("own")
    before = theatre.incarnations()
    theatre.cast("v1")

    theatre.want("v1", deadline=30)
    theatre.wait_for("v1", attempt="healthy")

    assert theatre.incarnations().isdisjoint(before)


def test_a_killed_launcher_takes_its_agents_along(open_):
    open_.process.kill()

    until(lambda: not open_.agents(), within=5, what="the end of the agent")


def test_one_home_has_one_launcher_at_a_time_and_finds_everything_again(open_):
    open_.cast("v1")
    open_.want("v1")
    open_.wait_for("v1", attempt="healthy")
    open_.end()

    open_.open().wait_for("v1")

    assert open_.report["previous"]["version"] == "own"


def test_a_torn_state_is_not_believed(open_):
    open_.cast("v1")
    open_.want("v1")
    open_.wait_for("v1", attempt="healthy")
    open_.end()
    path = open_.place / "home" / "ota" / "state.json"
    path.write_bytes(path.read_bytes()[:-40])

    open_.open().wait_for("v1", attempt="healthy")

    assert "state.damaged" in (open_.place / "log").read_text()


def test_without_any_state_its_own_code_runs_and_the_nexus_brings_it_back(open_):
    open_.cast("v1")
    open_.want("v1")
    open_.wait_for("v1", attempt="healthy")
    open_.end()
    for path in (open_.place / "home" / "ota").glob("state.json*"):
        path.write_bytes(b"\0" * 100)

    open_.open()

    open_.wait_for("v1", attempt="healthy")


CRASHES = [f"launcher.{point}:{n}" for point in ("saving", "written", "saved") for n in range(1, 8)]


@pytest.mark.parametrize(
    ("part", "running", "attempt"), [({}, "v1", "healthy"), ({"probe": "no"}, "own", "rolled_back")]
)
@pytest.mark.parametrize("where", CRASHES)
def test_a_launcher_killed_at_any_save_ends_on_one_whole_release(
    theatre, where, part, running, attempt
):
    theatre.cast("v1", **part)
    theatre.want("v1")
    theatre.open(HIVE_CRASH_AT=where)

    def rests():
        if theatre.process.poll() is not None:
            until(lambda: not theatre.agents(), within=5, what="the end of its agents")
            theatre.open()
        return theatre.attempt() == attempt and theatre.state.phase == "idle"

    until(rests, within=20, what=f"{attempt}, at rest")

    theatre.wait_for(running)
    assert theatre.state.active.version == running


def test_without_a_place_for_its_state_nothing_is_switched_and_the_old_one_works_on(open_):
    open_.cast("v1")
    spare = open_.place / "home" / "ota" / "state.new"
    spare.mkdir()  # whatever the disk says to a write

    open_.want("v1")
    until(lambda: open_.attempt() == "failed", within=20, what="the report")
    attempt, working = open_.report["attempt"], open_.working()
    spare.rmdir()
    open_.wait_for("v1", attempt="healthy")

    assert (attempt["code"], working) == ("disk", ["own"])
    assert "cannot be saved" in attempt["reason"]
