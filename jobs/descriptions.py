"""What nodes tell the Nexus of their tasks: a release may have some that it does not know."""

import json
from typing import Any

import structlog

from jobs.registry import Registry, Task
from jobs.signatures import describe
from nodes import wire

log = structlog.get_logger()
MAX_SUMMARY_CHARS = 200


def describe_task(task: Task) -> dict[str, Any]:
    """A task's summary, its options, and JSON Schema of item and kwargs as far as known."""
    return {
        "summary": task.summary[:MAX_SUMMARY_CHARS],
        "options": task.options(),
        "schema": describe(task.run),
    }


def describe_all(registry: Registry, *, most: int = wire.PIECE_BYTES) -> str:
    """The list of these tasks that is published; the same for the same code.

    Where it would be longer than `most`, it leaves out what can be done without: the schemas,
    then everything but the names. Such tasks cannot be submitted where they are not known.
    """
    told = {name: _as_json(describe_task(registry.get(name))) for name in registry}
    text = wire.list_tasks(told)
    if len(text) > most:
        log.warning("tasks.too_long", tasks=len(told), characters=len(text), without="schemas")
        text = wire.list_tasks({n: {**t, "schema": {}} if t else t for n, t in told.items()})
    if len(text) > most:
        log.warning("tasks.too_long", tasks=len(told), characters=len(text), without="options")
        text = wire.list_tasks(registry)
    return text


def _as_json(told: dict[str, Any]) -> dict[str, Any] | None:
    """What can be told of a task in JSON: a default, or a label, may be anything of Python."""
    for part in (told, {**told, "schema": {}}):
        try:
            json.dumps(part, allow_nan=False)
        except (TypeError, ValueError):
            continue
        return part
    return None
