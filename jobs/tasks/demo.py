"""Tasks to try things out with, the bad ones included."""

import contextlib
import ctypes
import os
import signal
import time
from collections.abc import Generator
from typing import Any

from jobs.outcomes import Fail
from jobs.registry import task
from jobs.spore.context import Context
from jobs.tasks.items import number, whole

DAY_SECONDS = 86_400
MANY = 1_000_000


@task("demo.echo")
def echo(ctx: Context, item: Any) -> Any:
    """The item itself."""
    return item


@task("demo.sleep")
def sleep(ctx: Context, item: float) -> dict[str, Any]:
    """Sleep for so many seconds; where and at which attempt it slept."""
    time.sleep(number(item, what="the time to sleep", most=DAY_SECONDS))
    return {"node": ctx.node, "pid": os.getpid(), "attempt": ctx.attempt}


@task("demo.whoami")
def whoami(ctx: Context, item: Any) -> dict[str, Any]:
    """Which process of which node runs this, under which release, with which GPUs."""
    return {
        "node": ctx.node,
        "pid": os.getpid(),
        "attempt": ctx.attempt,
        "release": ctx.release,
        "cuda_visible_devices": os.environ.get("CUDA_VISIBLE_DEVICES"),
    }


@task("demo.fail")
def fail(ctx: Context, item: Any) -> None:
    """Raise ValueError with the item as its message."""
    raise ValueError(item)


@task("demo.flaky", backoff=(0.1, 0.2, 0.4))
def flaky(ctx: Context, item: int) -> int:
    """Fail on the first `item` attempts, then return the attempt's number."""
    failures = whole(item, what="the number of failures", most=MANY)
    if ctx.attempt <= failures:
        raise RuntimeError(f"attempt {ctx.attempt} of the {failures} that fail")
    return ctx.attempt


@task("demo.crash")
def crash(ctx: Context, item: str) -> None:
    """End the process that runs this: "segv", "kill" or "exit"."""
    match item:
        case "segv":
            # The core would tell nothing that is not wanted here.
            with contextlib.suppress(ImportError, ValueError, OSError):
                import resource

                resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            ctypes.string_at(0)
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "exit":
            os._exit(0)
    raise Fail(f'{item!r} is no way to crash; give "segv", "kill" or "exit"')


@task("demo.spin")
def spin(ctx: Context, item: float) -> str:
    """Burn CPU for so many seconds, deaf to exceptions and SIGTERM, as bad native code is."""
    end = time.monotonic() + number(item, what="the time to spin", most=DAY_SECONDS)
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while time.monotonic() < end:
        # Twice, for what is raised just while another exception is swallowed.
        with contextlib.suppress(BaseException):
            _burn(until=end)
    signal.signal(signal.SIGTERM, before)
    return "spun"


def _burn(*, until: float) -> None:
    while time.monotonic() < until:
        with contextlib.suppress(BaseException):
            while time.monotonic() < until:
                pass


@task("demo.allocate")
def allocate(ctx: Context, item: int, *, hold: float = 0) -> int:
    """Hold so many megabytes for `hold` seconds; how many bytes that were."""
    megabytes = whole(item, what="the memory to hold in MB", most=MANY)
    block = bytearray(megabytes * 1_000_000)
    for page in range(0, len(block), 4096):  # memory counts once it was written to
        block[page] = 1
    time.sleep(number(hold, what="hold", most=DAY_SECONDS))
    return len(block)


@task("demo.stream")
def stream(ctx: Context, item: int, *, delay: float = 0) -> Generator[int, None, int]:
    """Yield 0 to item - 1 with `delay` seconds before each, then return the item."""
    count = whole(item, what="how many to stream", most=MANY)
    pause = number(delay, what="delay", most=DAY_SECONDS)
    for step in range(count):
        time.sleep(pause)
        ctx.progress((step + 1) / count)
        yield step
    return count


@task("demo.payload")
def payload(ctx: Context, item: int) -> str:
    """Text of so many bytes."""
    return "x" * whole(item, what="the size in bytes", most=100 * MANY)
