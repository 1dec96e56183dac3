"""One Hive for all examples, which are run as a reader runs them: as programs, from outside."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hive_site.configuration import PROJECT
from tests.end_to_end.colony import Colony

EXAMPLES = PROJECT / "examples"
NAMES = sorted(path.parent.name for path in EXAMPLES.glob("*/run.py"))
MINUTE = 60

Program = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="package")
def colony(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Colony]:
    """Three Spores that know the tasks of every example."""
    colony = Colony(
        tmp_path_factory.mktemp("examples"),
        HIVE_TASK_MODULES=",".join(f"examples.{name}.tasks" for name in NAMES),
        HIVE_ALLOW_PRIVATE_ADDRESSES="true",
    )
    yield colony
    colony.stop()


@pytest.fixture
def example(colony: Colony, tmp_path: Path) -> Program:
    """Runs an example by its name in a directory of its own."""
    ready = colony.stack.ready
    env = colony.env | {"HIVE_NEXUS_URL": ready["nexus"], "HIVE_API_KEY": ready["api_key"]}

    def run(name: str, *argv: object) -> subprocess.CompletedProcess[str]:
        script = [sys.executable, str(EXAMPLES / name / "run.py"), *map(str, argv)]
        return subprocess.run(
            script,
            env=env,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=MINUTE,
            check=False,
        )

    return run
