"""Sends a slot's events: at the end of a bundle, and every 50 ms while one runs and says something.

A thread of its own flushes and hands back the rest of a bundle whose item turned out long; one
lock makes sure that what was handed back is never started.
"""

import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import structlog
from redis import Redis

from hive_site.kernel import messages
from hive_site.kernel.envelope import seal
from hive_site.kernel.redis import Direct, RedisError
from jobs.spore.log_reader import LogReader
from jobs.spore.popping import Command
from jobs.spore.trace import Trace, follow
from jobs.wire import FLUSH_BYTES, Bundle
from nodes import wire
from nodes.spore.identity import Identity
from nodes.spore.line import send_report
from nodes.spore.spool import Spool

log = structlog.get_logger()
FLUSH_SECONDS = 0.05
#: Nobody looks less often at what is printed while nothing runs; more often while anything is.
IDLE_SECONDS = 1.0
LONG_SECONDS = 1.0
AWAY_SECONDS = 0.2


class Reporter:
    """One slot's voice. Times in events are Unix seconds on Redis's clock."""

    def __init__(
        self, client: Redis, identity: Identity, spool: Spool, log_reader: LogReader
    ) -> None:
        self._direct, self._identity = Direct(client), identity
        self._spool, self._log_reader = spool, log_reader
        self._lock = threading.Lock()
        self._running = threading.Event()
        self._bundle: Bundle | None = None
        self._trace: Trace | None = None
        self._ok: list[tuple[int, float, float, str]] = []
        self._events: list[dict[str, Any]] = []
        self._bytes = 0
        self._kept: Path | None = None
        self._position = self._end = 0
        self._along: Sequence[Command] = ()
        self._answers: list[Any] = []
        self._item_started = 0.0
        threading.Thread(target=self._tend, name="reporter", daemon=True).start()

    def begin(self, bundle: Bundle) -> None:
        """A bundle starts."""
        with self._lock:
            self._bundle, self._position, self._end = bundle, -1, len(bundle.items)
            self._trace = follow(bundle, node=self._identity.name)
            self._item_started = time.monotonic()
            self._running.set()

    def take(self, position: int) -> bool:
        """Whether the item at `position` is still ours to start; what is printed now is its."""
        with self._lock:
            self._position, self._item_started = position, time.monotonic()
            if self._bundle and position < self._end:
                self._log_reader.begin(self._bundle.first + position)
            return position < self._end

    def succeeded(self, attempt: int, started: float, ended: float, result: str) -> None:
        """An item is done; `result` is JSON text."""
        with self._lock:
            self._note(self._log_reader.end())
            self._ok.append((attempt, started, ended, result))
            if self._trace:
                self._trace.succeeded(attempt, ended - started)
            self._grow(len(result))

    def failed(self, event: dict[str, Any]) -> None:
        """The running attempt ended otherwise."""
        with self._lock:
            self._note([*self._log_reader.end(), event])
            if self._trace:
                self._trace.failed(event)

    def subject(self) -> dict[str, object]:
        """What the slot is at, for its log. Nobody waits for a lock to say something."""
        told: dict[str, object] = {"node": self._identity.name}
        bundle, position = self._bundle, self._position
        if bundle is None:
            return told
        told |= {"job": bundle.job, "bundle": bundle.id}
        if 0 <= position < len(bundle.items):
            subtask, index, number, _ = bundle.items[position]
            told |= {"subtask": subtask, "index": index, "attempt": number}
        return told

    def hand_back(self, bundle: Bundle, position: int) -> None:
        """The items of a bundle from this position on were not begun."""
        back = [bundle.first + place for place in range(position, len(bundle.items))]
        self.happened({"k": "back", "attempts": back})

    def happened(self, event: dict[str, Any], size: int = 0) -> None:
        """Anything else; `size` is how many bytes it holds, if they are many."""
        with self._lock:
            self._note([event])
            self._grow(size)

    def refuse(self, bundle: Bundle, reason: str, clock: float) -> None:
        """The task of a bundle is not known here. `clock` is Redis's."""
        error = {"type": "unknown_task", "message": reason, "traceback": ""}
        for attempt in range(bundle.first, bundle.first + len(bundle.items)):
            self.happened({"k": "fail", "a": attempt, "e": error, "t0": clock, "t1": clock})

    def _note(self, events: list[dict[str, Any]]) -> None:
        if events:
            self._events += events
            self._bytes += sum(len(event.get("text", "")) for event in events)

    def _grow(self, size: int) -> None:
        self._bytes += size
        if self._bytes >= FLUSH_BYTES:
            self._try_flush()

    def end(self, along: Sequence[Command] = ()) -> list[Any]:
        """The bundle is over: everything reaches Redis or the disk, however long that takes.

        Returns the answers to the commands that went `along`; none if the report went to the disk.
        """
        self._running.clear()
        with self._lock:
            if self._trace:
                self._trace.end()
            self._along, self._answers = along, []
            while not self._try_flush(last=True):
                time.sleep(AWAY_SECONDS)
                self._log_reader.ignore()
            self._bundle, self._trace, self._along = None, None, ()
            self._log_reader.ignore()
            return self._answers

    def _tend(self) -> None:
        rest = FLUSH_SECONDS
        while True:
            if self._running.wait(rest):
                time.sleep(FLUSH_SECONDS)
            with self._lock:
                rest = self._look(rest)

    def _look(self, rest: float) -> float:
        """See to what runs; how long to rest while nothing does."""
        if self._bundle is None:
            # What an attempt left behind may go on printing, a lot and without end.
            is_quiet = not self._log_reader.ignore()
            return min(2 * rest, IDLE_SECONDS) if is_quiet else FLUSH_SECONDS
        self._hand_back_rest(self._bundle)
        self._note(self._log_reader.hear())
        self._try_flush()
        return FLUSH_SECONDS

    def _hand_back_rest(self, bundle: Bundle) -> None:
        first = self._position + 1
        if first >= self._end or time.monotonic() - self._item_started < LONG_SECONDS:
            return
        back = [bundle.first + position for position in range(first, self._end)]
        self._events.append({"k": "back", "attempts": back})
        self._end = first

    def _try_flush(self, *, last: bool = False) -> bool:
        """Send what is pending, or keep it on disk while Redis is away; the agent sends it then.

        False if neither was possible. What was sent may be sent twice.
        """
        if not self._bundle or not (self._ok or self._events or last):
            return True
        body = {
            "v": wire.PROTOCOL,
            "incarnation": self._identity.incarnation,
            "bundle": self._bundle.id,
            "job": self._bundle.job,
            "ok": self._ok,
            "events": self._events,
        }
        if self._trace:
            body["traceparent"] = self._trace.traceparent
        envelope = seal(messages.dumps(body), key=self._identity.key, purpose=wire.PURPOSE_REPORT)
        done = self._bundle.id if last else None
        try:
            self._send(envelope, done)
        except (RedisError, OSError) as error:
            log.warning("report.waits", error=str(error))
            if not self._keep(envelope, done):
                return False
        self._ok, self._events, self._bytes = [], [], 0
        return True

    def _send(self, envelope: bytes, done: str | None) -> None:
        if self._kept and self._kept.exists():
            raise OSError("an earlier report waits still")  # what was said first is told first
        self._kept = None
        name, along = self._identity.name, self._along if done else ()
        self._answers = send_report(self._direct, name, envelope, done=done, along=along)

    def _keep(self, envelope: bytes, done: str | None) -> bool:
        try:
            self._kept = self._spool.put(envelope, done=done)
        except OSError as error:
            log.warning("spool.full", error=str(error))
            return False
        return True
