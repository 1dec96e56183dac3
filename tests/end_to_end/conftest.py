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
    """A failure shows what the Hive's processes said last."""
    report = yield
    colony = getattr(item, "funcargs", {}).get("colony")
    if report.failed and colony:
        for log in sorted(colony.stack.logs.glob("*.log")):
            report.sections.append((f"end of {log.name}", last_lines(log)))
    return report


def last_lines(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-LAST_LINES:])
