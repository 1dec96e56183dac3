"""`python -m ota.spore.stager`: reads one request, brings one release to this node, and ends.

It writes a JSON object a line: `{"step", "fraction"}` as it goes on, and at the end `{"done"}`
with exit code 0, or `{"failed": {"code", "reason", "permanent"}}` with exit code 1. It may be
killed at any point: the next one repairs what this one left, and goes on.
"""

import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any, TextIO

from ota.spore.checking import Trust
from ota.spore.failures import Failed
from ota.spore.fetching import Pace
from ota.spore.nexus import NexusClient
from ota.spore.orders import Request
from ota.spore.places import Places
from ota.spore.programs import die_with_parent, end_all
from ota.spore.staging import Means, Stager
from ota.spore.turns import Busy, taken

#: What a shell reports for a process that SIGTERM ended.
TERMINATED = 143
#: No more lines than this are written for one step.
LEAST_PROGRESS = 0.01
#: Steps that know the deadline have so long to say themselves why they missed it.
GRACE_SECONDS = 1.0


class Reporter:
    """Writes lines. Progress that nobody would see is left out."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._step, self._fraction = "", 0.0

    def tell(self, step: str, fraction: float) -> None:
        """How far a step is."""
        close = abs(fraction - self._fraction) < LEAST_PROGRESS and fraction < 1
        if step == self._step and (close or fraction == self._fraction):
            return
        self._step, self._fraction = step, fraction
        self.write({"step": step, "fraction": round(fraction, 3)})

    def write(self, line: Mapping[str, Any]) -> None:
        """One line, at once."""
        self._out.write(json.dumps(line) + "\n")
        self._out.flush()


def open_trust(folder: Path) -> Trust:
    """What this node trusts. Loads tuf, which takes its time, only when something is checked."""
    from ota.spore.trust import TrustStore

    return TrustStore(folder)


def read_key(env: Mapping[str, str]) -> bytes:
    """The key of this node. Raises `Failed` with code "malformed"."""
    text, path = env.get("HIVE_NODE_KEY", ""), env.get("HIVE_NODE_KEY_FILE", "")
    try:
        key = bytes.fromhex((text or Path(path).read_text()).strip())
    except (OSError, ValueError):
        key = b""
    if not key:
        way = "give HIVE_NODE_KEY in hexadecimal, or a file with it as HIVE_NODE_KEY_FILE"
        raise Failed("malformed", f"no key of this node: {way}", permanent=True)
    return key


def find_means(
    request: Request, env: Mapping[str, str], trust: Callable[[Path], Trust] = open_trust
) -> Means:
    """The Nexus, the clock and the trust of a real node. Raises `Failed`, `OSError`."""
    root = env.get("HIVE_OTA_ROOT", "")
    return Means(
        nexus=NexusClient(
            request.nexus, request.node, read_key(env), ca_file=env.get("HIVE_CA_FILE", "")
        ),
        trust=trust(Places(request.home).trust),
        now=lambda: datetime.now(UTC),
        pace=Pace(),
        env=env,
        root=Path(root).read_bytes() if root else None,
    )


def describe(fact: Failed) -> dict[str, Any]:
    """A failure as it is told."""
    return {"code": fact.code, "reason": fact.reason, "permanent": fact.permanent}


def stage(text: str, means_of: Callable[[Request], Means], reporter: Reporter) -> int:
    """Do what a request asks; the exit code. `means_of` gives what it is done with."""
    try:
        request = Request.read(text)
        with taken(Places(request.home).lock):
            ready, tree = Stager(request, means_of(request), reporter.tell).stage()
    except Failed as fact:
        return _fail(reporter, fact)
    except Busy as fact:
        return _fail(reporter, Failed("busy", str(fact)))
    except BrokenPipeError:
        # Whoever started this is gone.
        return 1
    except OSError as fact:
        return _fail(reporter, Failed.of_disk(fact))
    except Exception as fact:  # noqa: BLE001 (a fault of ours must not be a mute one)
        traceback.print_exc()
        return _fail(reporter, Failed("internal", f"{type(fact).__name__}: {fact}"))
    reporter.write({"done": {**asdict(ready), "tree": str(tree)}})
    return 0


def main(trust: Callable[[Path], Trust] = open_trust) -> int:
    """Read a request and do it; the exit code."""
    signal.signal(signal.SIGTERM, _end)
    # Else it would hold the home's lock against the stager of the launcher that comes next.
    die_with_parent()
    signal.signal(signal.SIGALRM, _give_up)

    def means_of(request: Request) -> Means:
        # Whatever waits for whatever: not for longer than was asked.
        signal.setitimer(signal.ITIMER_REAL, request.deadline + GRACE_SECONDS)
        return find_means(request, os.environ, trust)

    return stage(sys.stdin.read(), means_of, Reporter(sys.stdout))


def _fail(reporter: Reporter, fact: Failed) -> int:
    with suppress(BrokenPipeError):
        reporter.write({"failed": describe(fact)})
    return 1


def _give_up(signum: int, frame: FrameType | None) -> None:
    end_all()
    fact = Failed("deadline", "not ready in the time that was given")
    # Not through the stream, which may be in the middle of a line.
    os.write(sys.stdout.fileno(), json.dumps({"failed": describe(fact)}).encode() + b"\n")
    os._exit(1)


def _end(signum: int, frame: FrameType | None) -> None:
    """At once: whatever lies half done is resumed or deleted by the next one."""
    end_all()
    os._exit(TERMINATED)


if __name__ == "__main__":
    sys.exit(main())
