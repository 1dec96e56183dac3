"""One running Hive for all tests here, checked at the end of each module."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jobs.client import Hive
from tests.end_to_end.colony import Colony
from tests.end_to_end.endpoint import answering
from tests.end_to_end.marks import Marks

LAST_LINES = 30


@pytest.fixture(scope="package")
def web() -> Iterator[str]:
    """The address of a server that tasks may ask."""
    with answering() as url:
        yield url


@pytest.fixture(scope="package")
def running(tmp_path_factory: pytest.TempPathFactory, web: str) -> Iterator[Colony]:
    colony = Colony(
        tmp_path_factory.mktemp("hive"),
        HIVE_ALLOW_PRIVATE_ADDRESSES="true",
        HIVE_LLM_URL=web,
    )
    yield colony
    colony.stop()


@pytest.fixture(scope="module")
def colony(running: Colony) -> Iterator[Colony]:
    """The Hive; everything that must hold holds when a module is through with it."""
    running.heal()
    yield running
    running.heal()
    checked = running.manage("hive", "check", "--json")
    assert (json.loads(checked.stdout)["violations"], checked.returncode) == ([], 0), checked.stderr


@pytest.fixture
def hive(colony: Colony) -> Hive:
    """The client of the REST API, with a key that may do everything."""
    return colony.hive


@pytest.fixture
def marks(tmp_path: Path) -> Iterator[Marks]:
    """What attempts of `odd.hold` leave behind; none of them outlives the test."""
    marks = Marks(tmp_path / "marks")
    yield marks
    marks.go()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """A failure shows what the processes of every Hive of the test said last."""
    report = yield
    if report.failed:
        for log in find_logs(getattr(item, "funcargs", {})):
            report.sections.append((f"end of {log.name}", last_lines(log)))
    return report


def find_logs(fixtures: dict[str, Any]) -> list[Path]:
    """The logs of the Hive that all share, and of those on the test's own directory."""
    places = [fixtures["colony"].stack.logs] if "colony" in fixtures else []
    places += [fixtures["tmp_path"]] if "tmp_path" in fixtures else []
    return [log for place in places for log in sorted(place.rglob("*.log"))]


def last_lines(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-LAST_LINES:])
