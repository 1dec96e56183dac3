"""Tasks that write down when they run, so that tests know what ran where, and how often."""

import contextlib
import itertools
import json
import os
import time
from pathlib import Path
from typing import Any

from jobs import task
from jobs.spore.context import Context


def note(ctx: Context, event: str) -> None:
    """One line in the diary; a single write of an append is never torn."""
    line = {
        "event": event,
        "job": ctx.job_id,
        "index": ctx.index,
        "attempt": ctx.attempt,
        "node": ctx.node,
        "pid": os.getpid(),
        "at": time.monotonic(),
    }
    with Path(os.environ["CHAOS_DIARY"]).open("ab", buffering=0) as diary:
        diary.write(json.dumps(line).encode() + b"\n")


def work_for(ctx: Context, seconds: float) -> int:
    note(ctx, "began")
    time.sleep(seconds * float(os.environ.get("CHAOS_SLOWNESS", "1")))
    note(ctx, "ended")
    return ctx.index


@task("chaos.work")
def work(ctx: Context, item: float) -> int:
    """Sleep for so many seconds; the item's index."""
    return work_for(ctx, item)


@task("chaos.careful", idempotent=False)
def careful(ctx: Context, item: float) -> int:
    """As work, but not to be doubled."""
    return work_for(ctx, item)


@task("chaos.once", at_most_once=True)
def once(ctx: Context, item: float) -> int:
    """As work, but never twice."""
    return work_for(ctx, item)


@task("chaos.fail", backoff=(0.1, 0.2, 0.4))
def fail(ctx: Context, item: Any) -> None:
    """Fail every time."""
    raise ValueError(f"always: {item}")


@task("chaos.deaf")
def deaf(ctx: Context, item: str) -> None:
    """Never end: in C, holding the interpreter, or in Python, swallowing every exception."""
    note(ctx, "began")
    if item == "in C":
        sum(itertools.repeat(0))
    while True:
        with contextlib.suppress(BaseException):
            while True:
                pass


@task("chaos.answer")
def answer(ctx: Context, item: str | None) -> Any:
    """A result that cannot be kept, of the kind that the item names; the index without one."""
    if item is None:
        return ctx.index
    deep: list[Any] = []
    for _ in range(10_000):
        deep = [deep]
    return {
        "an object": object(),
        "a set": {1},
        "bytes": b"x",
        "NaN": float("nan"),
        "infinity": float("-inf"),
        "a NUL": "\0",
        "half a character": "\ud800",
        "10,000 deep": deep,
        "a huge number": 10**5000,
        "33 MB": "x" * 34_000_000,
    }[item]


@task("chaos.total")
def total(ctx: Context, items: list[int]) -> int:
    """The sum of all results."""
    note(ctx, "began")
    return sum(items)
