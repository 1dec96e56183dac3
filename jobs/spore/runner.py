"""Runs one item of a task, whatever kind of callable the task is."""

import asyncio
import inspect
from collections.abc import AsyncGenerator, Generator
from typing import Any

from jobs.registry import Task
from jobs.spore.context import Context


def run_item(task: Task, ctx: Context, item: Any, kwargs: dict[str, Any]) -> Any:
    """The task's result: of a function, coroutine, or generator (its `return` value).

    Whatever the task raises comes out as it is.
    """
    result = task.run(ctx, item, **kwargs)
    if inspect.iscoroutine(result):
        return asyncio.run(result)
    if inspect.isgenerator(result):
        return _exhaust(result)
    if inspect.isasyncgen(result):
        return asyncio.run(_exhaust_async(result))
    return result


def _exhaust(stream: Generator[Any, None, Any]) -> Any:
    while True:
        try:
            next(stream)
        except StopIteration as end:
            return end.value


async def _exhaust_async(stream: AsyncGenerator[Any, None]) -> None:
    async for _ in stream:
        pass
