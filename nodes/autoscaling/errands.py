"""Asks a provider beside the loop: one errand at a time, each in a thread of its own."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Thread

import structlog
from django.db import connections

from hive_site.kernel.outages import OUTAGES
from nodes.autoscaling.ports import Provider, ProviderError
from nodes.domain.scaling_machines import Instance

log = structlog.get_logger()
MAX_ERROR_CHARS = 300


@dataclass(frozen=True, slots=True)
class Errand:
    """What to stop and to start. With neither, it only looks what there is."""

    stop: Sequence[Instance] = ()
    start: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it: what exists now (None if nobody knows), and what went wrong."""

    instances: Sequence[Instance] | None = None
    errors: list[str] = field(default_factory=list)
    #: Whether machines were to be started and were not.
    start_failed: bool = False


class Messenger:
    """One pool's."""

    def __init__(self, provider: Provider, *, pool: str) -> None:
        self._provider, self._pool = provider, pool
        self._thread: Thread | None = None
        self._outcome: Outcome | None = None
        self._sent_at = 0.0

    @property
    def away_seconds(self) -> float:
        """For how long it has been on its way; 0 if it is here."""
        return time.monotonic() - self._sent_at if self._thread else 0.0

    def send(self, errand: Errand, *, leads: Callable[[], bool]) -> None:
        """Begin an errand; not while there is one. `leads` says, in the errand's thread, whether
        this Foreman still may change anything."""
        self._sent_at = time.monotonic()
        self._thread = Thread(
            target=self._run, args=(errand, leads), name=f"pool-{self._pool}", daemon=True
        )
        self._thread.start()

    def collect(self) -> Outcome | None:
        """What came of the errand, once; None while it lasts."""
        if self._thread is None or self._thread.is_alive():
            return None
        self._thread = None
        outcome, self._outcome = self._outcome, None
        return outcome or Outcome(errors=["the errand broke off"])

    def dismiss(self, seconds: float) -> None:
        """Wait for the errand, for so long at most, and close the provider."""
        if self._thread:
            self._thread.join(seconds)
        self._try("close", self._provider.close, [])

    def _run(self, errand: Errand, leads: Callable[[], bool]) -> None:
        try:
            self._outcome = self._carry_out(errand, leads)
        finally:
            connections.close_all()

    def _carry_out(self, errand: Errand, leads: Callable[[], bool]) -> Outcome:
        errors: list[str] = []
        failed = False
        if errand.stop or errand.start:
            # Whoever was deposed while this thread began must start nothing beside its successor.
            if reason := self._doubt(leads):
                return Outcome(errors=[reason])
            for instance in errand.stop:
                self._try("stop", lambda instance=instance: self._provider.stop(instance), errors)
            if errand.start:
                failed = not self._try("start", self._start(errand.start), errors)
        found: list[Sequence[Instance]] = []
        self._try("list", lambda: found.append(self._provider.list()), errors)
        return Outcome(found[0] if found else None, errors, failed)

    def _doubt(self, leads: Callable[[], bool]) -> str:
        try:
            return "" if leads() else "another Foreman leads"
        except OUTAGES as error:
            return f"nobody knows who leads: {error}"

    def _start(self, nodes: Sequence[str]) -> Callable[[], None]:
        return lambda: self._provider.start(nodes)

    def _try(self, what: str, call: Callable[[], object], errors: list[str]) -> bool:
        try:
            call()
        except ProviderError as error:
            reason = str(error)
        except Exception as error:  # whatever a cloud's library raises: the loop goes on
            log.exception("pool.broke", pool=self._pool, errand=what)
            reason = f"{type(error).__name__}: {error}"
        else:
            return True
        log.warning("pool.failed", pool=self._pool, errand=what, error=reason[:MAX_ERROR_CHARS])
        errors.append(f"{what}: {reason}"[:MAX_ERROR_CHARS])
        return False
