"""The same functions as tasks of the Hive (`HIVE_TASK_MODULES=bench.tasks`)."""

from collections.abc import Callable
from typing import Any

from bench.plain import WORK
from jobs import task

PREFIX = "bench."


def register(name: str, run: Callable[[Any], Any]) -> None:
    """Make `run` a task; it needs nothing of its context."""

    @task(PREFIX + name)
    def run_plain(ctx: Any, item: Any) -> Any:
        return run(item)


for _name, _run in WORK.items():
    register(_name, _run)
