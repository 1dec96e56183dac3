"""Graphs of many jobs, and what becomes of their first one."""

from itertools import pairwise
from typing import Any

from jobs.models import Job

ECHO = {"task": "demo.echo", "items": [1]}


def fan(size: int, **wish: Any) -> dict[str, Any]:
    """A root, and so many jobs that wait for it."""
    return {"root": ECHO} | {f"c{n}": {**ECHO, **wish, "after": ["root"]} for n in range(size)}


def chain(size: int) -> dict[str, Any]:
    """A root, and so many jobs of which each waits for the one before."""
    names = ["root", *(f"c{n}" for n in range(size))]
    return {"root": ECHO} | {name: {**ECHO, "after": [before]} for before, name in pairwise(names)}


def report_failure(stage) -> None:
    """A Spore says that whatever is sent next failed for good; nobody has read that yet."""
    spore, bundle = stage.bundle()
    spore.happen(bundle, final=True)
    spore.end(bundle)


def fail(stage) -> None:
    """Whatever is sent next fails for good."""
    report_failure(stage)
    stage.read()


def succeed(stage, result: str = "1") -> None:
    """Whatever is sent next succeeds."""
    spore, bundle = stage.bundle()
    spore.succeed(bundle, result=result)
    stage.read()


def count(state: str) -> int:
    """How many jobs are in a state."""
    return Job.objects.filter(state=state).count()
