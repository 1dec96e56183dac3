"""Runs one item of a task, whatever kind of callable the task is."""

import asyncio
import inspect
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import aclosing, closing
from typing import Any

from jobs.registry import Task
from jobs.spore.context import Context

#: Takes a partial result; what it raises ends the task.
Share = Callable[[Any], object]


def run_item(task: Task, ctx: Context, item: Any, kwargs: dict[str, Any], *, share: Share) -> Any:
    """The task's result: of a function, coroutine, or generator (its `return` value).

    What a generator yields goes to `share`. Whatever the task raises comes out as it is.
    """
    result = task.run(ctx, item, **kwargs)
    if inspect.iscoroutine(result):
        return asyncio.run(result)
    if inspect.isgenerator(result):
        return _exhaust(result, share)
    if inspect.isasyncgen(result):
        return asyncio.run(_exhaust_async(result, share))
    return result


def _exhaust(stream: Generator[Any, None, Any], share: Share) -> Any:
    with closing(stream):
        while True:
            try:
                value = next(stream)
            except StopIteration as end:
                return end.value
            share(value)


async def _exhaust_async(stream: AsyncGenerator[Any, None], share: Share) -> None:
    async with aclosing(stream):
        async for value in stream:
            share(value)
