"""The tasks that this process knows. A bundle names a task; only what is here can run."""

import inspect
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from hive_site.kernel.errors import NotFound
from jobs.task_options import JSON, check_options

NAME = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Task:
    """A registered callable and how it wants to be run. Times are in seconds."""

    name: str
    run: Callable[..., Any]
    timeout: float | None = None
    retries: int | None = None
    backoff: tuple[float, ...] = (2, 8, 32)
    cache_for: float = 0
    #: Raise it whenever what the task returns changes: cached results of another one are old.
    version: str = ""
    gpu: int = 0
    gpu_memory_mb: int = 0
    memory_mb: int = 0
    capabilities: Collection[str] = ()
    labels: dict[str, str] = field(default_factory=dict)
    idempotent: bool = True
    at_most_once: bool = False
    codec: str = JSON
    #: In the whole cluster; an operator may set others.
    rate: str | None = None
    concurrency: int | None = None

    def __post_init__(self) -> None:
        check_options(self)

    @property
    def summary(self) -> str:
        """The first line of the task's docstring."""
        return (inspect.getdoc(self.run) or "").partition("\n")[0]

    def options(self) -> dict[str, Any]:
        """Everything but the callable, as JSON."""
        skip = {"name", "run"}
        found = {k: getattr(self, k) for k in self.__slots__ if k not in skip}  # type: ignore[attr-defined]
        return {**found, "capabilities": sorted(self.capabilities)}


class Registry:
    """Tasks by name."""

    def __init__(self) -> None:
        self._tasks: dict[str, Task] = {}

    def add(self, task: Task) -> None:
        """Make a task known; the same function may be registered again, another may not."""
        if not NAME.fullmatch(task.name):
            raise ValueError(f"task name {task.name!r}: give app.verb, in letters, digits and _")
        known = self._tasks.get(task.name)
        if known and known.run.__qualname__ != task.run.__qualname__:
            raise ValueError(f"task name {task.name!r} is taken by {known.run.__qualname__}")
        self._tasks[task.name] = task

    def get(self, name: str) -> Task:
        """The task of that name, or `NotFound` with names that are close."""
        try:
            return self._tasks[name]
        except KeyError:
            raise NotFound(f"no task is named {name!r}; known are {', '.join(self)}") from None

    def __contains__(self, name: object) -> bool:
        return name in self._tasks

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._tasks))


registry = Registry()


def task(name: str, **options: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register the decorated function under `name`, with the options of CONTRACT §4.

    Raises `TypeError` for an option that does not exist, `ValueError` for a name that is taken
    and for an option that makes no sense.
    """

    def register(run: Callable[..., Any]) -> Callable[..., Any]:
        registry.add(Task(name=name, run=run, **options))
        return run

    return register


def load_tasks(modules: list[str]) -> Registry:
    """The registry, after importing `tasks` of every installed app and the given modules."""
    from importlib import import_module

    from django.utils.module_loading import autodiscover_modules

    autodiscover_modules("tasks")
    for module in modules:
        import_module(module)
    return registry
