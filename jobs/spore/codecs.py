"""How a task gets what it works on and gives what it made: as JSON, or as objects of Python."""

from typing import Any

from jobs.packing import pack
from jobs.registry import PICKLE, Task
from jobs.spore.context import Context
from jobs.spore.runner import run_item
from jobs.spore.unpacking import unpack


def call(task: Task, ctx: Context, item: Any, kwargs: dict[str, Any]) -> Any:
    """What the task returns, as JSON; Python objects of tasks that take them are packed.

    Whatever the task raises comes out as it is.
    """
    if task.codec == PICKLE:
        return pack(run_item(task, ctx, unpack(item), unpack(kwargs)))
    return run_item(task, ctx, item, kwargs)
