"""Tasks that nobody would write, and some that everybody does."""

import asyncio
import io
import logging
import os
import signal
import subprocess
import sys
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
    "too large": lambda: "x" * (32 * 1024 * 1024),
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
    # Never so short that the Hive would learn to send many at once, which then wait on nodes.
    time.sleep(0.05)
    while not (place / "go").exists():
        time.sleep(0.01)
    (place / f"{ctx.index}.done").touch()
    return ctx.attempt


@task("odd.hold_anew")
def hold_anew(ctx, item):
    """The same, of which the Hive has not learned how long it takes: nothing is sent ahead."""
    return hold(ctx, item)


@task("odd.hold_once", at_most_once=True)
def hold_once(ctx, item):
    """The same, but no second copy is sent when it seems to hold things up."""
    return hold(ctx, item)


@task("odd.mark_once", at_most_once=True)
def mark_once(ctx, item):
    """Leaves a mark for each run in the directory `item[0]`, and takes `item[1]` seconds."""
    (Path(item[0]) / f"run-{ctx.subtask_id}.{ctx.attempt}.{os.getpid()}").touch()
    time.sleep(item[1])


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


@task("odd.talkative")
def talkative(ctx, item, *, seconds=0) -> Iterator[int]:
    """Says something in every way."""
    print(f"item {item}")
    yield item
    time.sleep(seconds)


@task("odd.half_way")
def half_way(ctx, item):
    """Says how far it is, then waits in the directory `item` for the word to go on."""
    ctx.progress(0.5, "half way")
    while not (Path(item) / "go").exists():
        time.sleep(0.01)


@task("odd.loud", backoff=(0.1,))
def loud(ctx, item):
    """Writes wherever one can, and fails once."""
    ctx.log(f"ctx.log {item}")
    print(f"print {item}")
    print(f"stderr {item}", file=sys.stderr)
    logging.getLogger("odd").warning("log %s", item)
    subprocess.run(["echo", "echo", item], check=True)
    if ctx.attempt == 1:
        raise RuntimeError("once more")


@task("odd.chatter")
def chatter(ctx, item):
    for n in range(item):
        print(f"line {n} ü")


@task("odd.break_streams", retries=0)
def break_streams(ctx, item):
    """Does with its stdout what `item` says."""
    print("before")
    if item == "wrap":
        sys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8")
    elif item == "detach":
        sys.stdout = io.TextIOWrapper(sys.stdout.detach(), encoding="utf-8")
    elif item == "close":
        sys.stdout.close()
    elif item == "replace":
        sys.stdout = io.StringIO()
    return os.getpid()


@task("odd.last_words", retries=0, backoff=(0,))
def last_words(ctx, item):
    """Says something, waits until it was told, says more and dies."""
    print("first words")
    time.sleep(item)
    print("last words")
    os.kill(os.getpid(), signal.SIGSEGV)


@task("odd.indescribable", retries=0)
def indescribable(ctx, item):
    error = SyntaxError("bad")
    error.filename, error.lineno, error.offset, error.text = "x", 1, item, "abc"
    raise error


@task("large.repeat")
def repeat(ctx, item, *, unit="x"):
    """A text of `item` units."""
    return unit * item


@task("large.measure")
def measure(ctx, item, *, also=""):
    """The lengths of the texts in a list, or of one."""
    return [len(text) for text in (item if isinstance(item, list) else [item, also])]


@task("large.hold")
def hold_large(ctx, item):
    """Leaves a mark in the directory `item`, waits for the word, and returns a long text."""
    hold(ctx, item)
    return "x" * 300_000


@task("odd.device", gpu=1)
def device(ctx, item):
    """Holds its device until it may go on; which one that was."""
    attempt = hold(ctx, item)
    return {"sees": os.environ["CUDA_VISIBLE_DEVICES"], "gpus": ctx.gpus, "attempt": attempt}


@task("odd.slow_on")
def slow_on(ctx, item):
    """Takes a moment, and an hour on the node `item`."""
    time.sleep(3600 if ctx.node == item else 0.2)
    return ctx.node


@task("known.count", cache_for=3600, version="1")
def count(ctx, item, *, seconds=0):
    """Leaves a mark for each run in the directory `item[0]`."""
    place, name = item
    (Path(place) / f"{name}.{ctx.index}.{os.getpid()}.{time.time_ns()}").touch()
    time.sleep(seconds)
    return name * 2


@task("known.flaky", cache_for=3600, retries=0)
def flaky(ctx, item):
    """Fails while there is no word to go on in the directory `item`."""
    (Path(item) / f"{ctx.index}.run").touch()
    time.sleep(0.2)
    if len(list(Path(item).glob("*.run"))) < 2:
        raise ValueError("the first of us fails")
    return "well"


@task("odd.pickled", codec="pickle")
def pickled(ctx, item, *, more=frozenset()):
    return {item, *more}


@task("odd.pickled_stream", codec="pickle")
def pickled_stream(ctx, item):
    """Each element of a set, one after the other; the set is the result."""
    for element in sorted(item):
        yield {element}
    return item


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


@task("odd.span")
def span(ctx, item) -> list[float]:
    """From when to when it ran, by the clock that all processes of this machine share."""
    begun = time.monotonic()
    time.sleep(item)
    return [begun, time.monotonic()]
