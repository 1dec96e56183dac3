"""How a task gets what it works on and gives what it made: as JSON, or as objects of Python."""

from functools import partial
from typing import Any

from jobs.packing import pack
from jobs.registry import Task
from jobs.spore.context import Context
from jobs.spore.runner import Share, run_item
from jobs.spore.unpacking import unpack
from jobs.task_options import PICKLE


def call(task: Task, ctx: Context, item: Any, kwargs: dict[str, Any], *, share: Share) -> Any:
    """What the task returns, as JSON; Python objects of tasks that take them are packed.

    Whatever the task raises comes out as it is.
    """
    if task.codec == PICKLE:
        # Partial results are packed like the result.
        packed = partial(_share_packed, share)
        return pack(run_item(task, ctx, unpack(item), unpack(kwargs), share=packed))
    return run_item(task, ctx, item, kwargs, share=share)


def _share_packed(share: Share, value: Any) -> None:
    share(pack(value))
