"""Tasks that nobody would write, and some that everybody does."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from hive_site.kernel.errors import Invalid
from jobs import task
from jobs.outcomes import Fail, Retry


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


ODD = {
    "nan": lambda: float("nan"),
    "infinite": lambda: [float("inf")],
    "minus infinite": lambda: {"a": float("-inf")},
    "nul": lambda: "a\0b",
    "half a surrogate pair": lambda: "\ud800",
    "10,000 deep": lambda: nested(10_000),
    "huge integer": lambda: 10**10_000,
    "object": object,
    "too large": lambda: "x" * (1024 * 1024),
}


@task("odd.result")
def result(ctx, item):
    """What no database keeps; any other item comes back as it is."""
    return ODD[item]() if item in ODD else item


@task("odd.coroutine")
async def coroutine(ctx, item):
    await asyncio.sleep(0)
    return item + 1


@task("odd.stream")
def stream(ctx, item) -> Iterator[int]:
    yield from range(item)
    return "done"


@task("odd.async_stream")
async def async_stream(ctx, item) -> AsyncIterator[int]:
    for n in range(item):
        yield n


@task("odd.context")
def context(ctx, item, *, greeting):
    ctx.log("hello")
    ctx.progress(0.5, "half way")
    names = ("job_id", "subtask_id", "index", "total", "attempt", "node", "release", "gpus")
    return {name: getattr(ctx, name) for name in names} | {"said": greeting}


@task("odd.hold")
def hold(ctx, item):
    """Leaves a mark in the directory `item`, then waits there for the word to go on."""
    place = Path(item)
    (place / f"{ctx.index}.{ctx.attempt}.{os.getpid()}").touch()
    while not (place / "go").exists():
        time.sleep(0.01)
    (place / f"{ctx.index}.done").touch()
    return ctx.attempt


@task("odd.long_reduction")
def long_reduction(ctx, item):
    """Takes as many seconds as the items say together."""
    time.sleep(sum(item))
    return item


@task("odd.remember")
def remember(ctx, item):
    before = ctx.cache.get("visitors", [])
    ctx.cache.set("visitors", [*before, item], ttl=60)
    return before


@task("odd.again", backoff=(3600,))
def again(ctx, item):
    """Fails once, and wants to be tried again at once rather than in an hour."""
    if ctx.attempt == 1:
        raise Retry("not yet", after=0)
    return ctx.attempt


@task("odd.give_up", retries=3)
def give_up(ctx, item):
    raise Fail("it is of no use")


@task("odd.once", at_most_once=True)
def once(ctx, item):
    raise RuntimeError("only once")


@task("odd.submit", backoff=(0,))
def submit(ctx, item):
    """Submits a job, and one that waits for it; in its second attempt once more the same."""
    first = ctx.submit("demo.echo", [item])
    second = ctx.submit("demo.echo", [{"was": {"$result": first}}], depends_on=[first])
    if ctx.attempt == 1:
        raise Retry("once more", after=0)
    return [first, second]


@task("odd.submit_nonsense")
def submit_nonsense(ctx, item):
    """What the Spore refuses, and what only the Nexus can refuse."""
    try:
        ctx.submit("no.such")
    except Invalid as error:
        dropped = ctx.submit("demo.echo", depends_on=["job_none"])
        return [error.field, dropped, ctx.submit("demo.echo", ["fine"])]
