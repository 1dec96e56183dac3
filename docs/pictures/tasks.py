"""Work as a small laboratory might have it. Nothing is computed: it only takes its time."""

import random
import time
from collections.abc import Iterator
from typing import Any

from jobs import Fail, task

STEPS = 20


def chance(ctx: Any, what: str) -> float:
    """From 0 to 1, the same in every attempt of a subtask and in every run."""
    return random.Random(f"{what} {ctx.index}").random()


@task("images.thumbnail", retries=3, backoff=(2,))
def thumbnail(ctx: Any, item: str, *, size: int) -> dict[str, Any]:
    """A small copy of an image: a few are broken, and the store is at times not there."""
    ctx.log(f"reading {item}")
    time.sleep(0.1 + 0.4 * chance(ctx, "time"))
    if chance(ctx, "broken") < 0.01:
        raise Fail(f"{item}: image file is truncated (31 bytes not processed)")
    if chance(ctx, "busy") < 0.05 and ctx.attempt < 3:
        raise ConnectionResetError("store.lab.example: connection reset by peer")
    ctx.log(f"{size} x {size * 2 // 3} written")
    return {"path": item.replace(".tif", f"-{size}.webp"), "bytes": int(9000 * chance(ctx, "size"))}


@task("sensors.follow")
def follow(ctx: Any, item: str, *, readings: int) -> Iterator[dict[str, Any]]:
    """A reading a second, as they come."""
    for number in range(readings):
        ctx.progress(number / readings, f"{number} of {readings} readings")
        yield {"sensor": item, "celsius": round(20 + random.gauss(0, 0.4), 2)}
        time.sleep(1)
    return {"sensor": item, "readings": readings}


@task("genomes.align", retries=1)
def align(ctx: Any, item: str, *, seconds: float) -> dict[str, Any]:
    """Takes long, and says how far it is."""
    for step in range(STEPS):
        ctx.progress(step / STEPS, f"chromosome {step + 1}")
        time.sleep(seconds / STEPS)
    return {"sample": item, "mapped": round(0.9 + chance(ctx, "mapped") / 10, 3)}


@task("reports.render", retries=1, backoff=(0.5,))
def render(ctx: Any, item: str) -> str:
    """A report; its template asks for what is not there."""
    time.sleep(0.3)
    if item == "march":
        raise KeyError("revenue_by_region")
    return f"{item}.pdf"


@task("pages.fetch")
def fetch(ctx: Any, item: str) -> int:
    """The size of a page."""
    time.sleep(0.5)
    return 20_000
