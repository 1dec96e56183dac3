"""A cluster for each test, and a table of what the tests measured."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nodes import inbox
from tests.chaos.cluster import Cluster
from tests.chaos.figures import Figure, as_markdown, is_busy
from tests.databases import Template, speaking_to

MEASURED = pytest.StashKey[list[Figure]]()
Measure = Callable[[int, str, float, str], None]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--figures", metavar="FILE", help="write the table of figures there too")


@pytest.fixture
def figure(pytestconfig: pytest.Config) -> Measure:
    """Note a figure of a row of FAULTS.md; fails if it is not what it must be."""

    def note(row: int, what: str, value: float, must: str = "") -> None:
        measured = Figure(row, what, value, must, busy=is_busy())
        pytestconfig.stash.setdefault(MEASURED, []).append(measured)
        assert measured.holds, f"row {row}: {what} is {value}, must be {must}"

    return note


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Template]:
    template = Template(tmp_path_factory.mktemp("template"))
    yield template
    template.drop()


@pytest.fixture
def database_url(template: Template, tmp_path: Path, django_db_blocker) -> Iterator[str]:
    """A fresh database, to which this process speaks too."""
    with (
        django_db_blocker.unblock(),
        template.copy(tmp_path / "hive.sqlite3") as url,
        speaking_to(url),
    ):
        yield url


@pytest.fixture
def cluster(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings
) -> Iterator[Cluster]:
    """Redis; the test starts the rest. Nothing of it outlives the test."""
    import tests.chaos.tasks  # noqa: F401 registers them here as well, once it is needed

    cluster = Cluster(tmp_path, database_url=database_url, env=os.environ)
    monkeypatch.setattr(inbox, "_client", cluster.redis)
    monkeypatch.setattr(inbox, "_hurried", cluster.redis)
    settings.REDIS_URL = cluster.url
    yield cluster
    cluster.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    """A test that failed shows what its processes said."""
    report = yield
    cluster = getattr(item, "funcargs", {}).get("cluster")
    if report.when == "call" and report.failed and cluster:
        report.sections += [(f"log of {name}", text) for name, text in cluster.logs().items()]
    return report


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    figures = config.stash.get(MEASURED, [])
    if not figures:
        return
    table = as_markdown(figures)
    terminalreporter.section("figures of FAULTS.md")
    terminalreporter.write_line(table)
    if path := config.getoption("--figures", default=None):
        Path(path).write_text(table + "\n")
