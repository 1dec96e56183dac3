"""Waiting for jobs: one listener for the whole process, woken by one message per batch.

The database is asked first and after every wake-up; a second without news asks it too, so that
waiting goes on while Redis is away.
"""

import json
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import CancelledError
from contextvars import ContextVar

import structlog
from django.conf import settings
from django.db import close_old_connections, connection
from redis.client import PubSub

from hive_site.kernel.errors import Conflict
from hive_site.kernel.prepared import Prepared
from hive_site.kernel.redis import RedisError, connect
from jobs.models import Job
from nodes import wire

log = structlog.get_logger()
ASK_AGAIN_SECONDS = 1.0
#: Most jobs that anybody waits for end within this, and opening a connection takes a while.
SOON_SECONDS = 0.1
AWAY_SECONDS = 1.0
#: What a message is that nobody of ours sent.
NONSENSE = (ValueError, KeyError, TypeError, RecursionError)
LISTEN_SECONDS = 20.0
#: Set once whoever has the current call wait does not want to know any more.
given_up: ContextVar[threading.Event | None] = ContextVar("given_up", default=None)


class Bell:
    """Rings whoever waits for a job when the Foreman says that it changed."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._rung: dict[str, int] = {}
        self._waiting: dict[str, int] = {}
        self._followers: dict[str, set[Callable[[], object]]] = {}
        self._thread: threading.Thread | None = None

    def enter(self, jobs: Iterable[str]) -> None:
        """Somebody begins to wait."""
        with self._changed:
            for job in jobs:
                self._waiting[job] = self._waiting.get(job, 0) + 1
            self._start()

    def follow(self, job: str, ring: Callable[[], object]) -> None:
        """Call `ring`, from another thread, whenever anything was recorded for the job."""
        with self._changed:
            self._followers.setdefault(job, set()).add(ring)
            self._start()

    def unfollow(self, job: str, ring: Callable[[], object]) -> None:
        """Do not call it any more."""
        with self._changed:
            self._followers[job].discard(ring)
            if not self._followers[job]:
                del self._followers[job]

    def _start(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._listen, name="bell", daemon=True)
            self._thread.start()

    def leave(self, jobs: Iterable[str]) -> None:
        """Somebody waits no longer."""
        with self._changed:
            for job in jobs:
                self._waiting[job] -= 1
                if not self._waiting[job]:
                    del self._waiting[job]
                    self._rung.pop(job, None)

    def count(self, jobs: Iterable[str]) -> int:
        """How often these jobs rang since somebody waits for them."""
        with self._changed:
            return sum(self._rung.get(job, 0) for job in jobs)

    def wait(self, jobs: list[str], *, seen: int, seconds: float) -> bool:
        """True when one of the jobs rang more than `seen` times, False after `seconds`."""
        with self._changed:
            return self._changed.wait_for(
                lambda: sum(self._rung.get(job, 0) for job in jobs) > seen, timeout=seconds
            )

    def _listen(self) -> None:
        away = ""
        while not (away and self._is_done()):
            ear = connect(settings.REDIS_URL, name="hive-bell", blocking=True).pubsub(
                ignore_subscribe_messages=True
            )
            try:
                ear.subscribe(wire.CHANGED)
                away = ""
                self._hear(ear)
            except (*NONSENSE, RedisError, OSError) as error:
                # Once for each outage, and not each second of it.
                if not away:
                    log.warning("bell.away", error=str(error))
                away = str(error) or type(error).__name__
                time.sleep(AWAY_SECONDS)
            finally:
                ear.close()

    def _hear(self, ear: PubSub) -> None:
        while True:
            message = ear.get_message(timeout=LISTEN_SECONDS)
            if message:
                changed = json.loads(message["data"])
                self._ring(changed["ended"])
                self._tell_followers(changed["jobs"])

    def _is_done(self) -> bool:
        """Nobody waits for what cannot be heard; whoever comes next starts it anew."""
        with self._changed:
            if self._waiting or self._followers:
                return False
            self._thread = None
            return True

    def _ring(self, jobs: list[str]) -> None:
        with self._changed:
            for job in jobs:
                if job in self._waiting:
                    self._rung[job] = self._rung.get(job, 0) + 1
            self._changed.notify_all()

    def _tell_followers(self, jobs: list[str]) -> None:
        with self._changed:
            rings = [ring for job in jobs for ring in self._followers.get(job, ())]
        for ring in rings:
            ring()


bell = Bell()
OPEN_JOB = Prepared(lambda pk: Job.objects.open().filter(pk=pk).values_list("pk", flat=True), str)


def _any_open(jobs: list[str]) -> bool:
    """Whether any of these jobs has not ended."""
    if len(jobs) == 1:
        return bool(OPEN_JOB.all(jobs[0]))
    return Job.objects.open().filter(pk__in=jobs).exists()


def check_may_wait(timeout: float) -> None:
    """Raises `Conflict` in a transaction: what is submitted there begins only when it ends."""
    blocks = connection.atomic_blocks
    # As `atomic(durable=True)` has it, the transaction around a test case does not count.
    if timeout > 0 and blocks and not blocks[-1]._from_testcase:
        way = "wait outside of transaction.atomic(), or submit() in it and ask for the job later"
        raise Conflict(f"nobody sees a job before the transaction ends that submits it; {way}")


def wait_for_jobs(jobs: list[str], *, timeout: float) -> bool:
    """Wait until all of these jobs have ended; False if some have not after `timeout` seconds.

    Raises `CancelledError` within about a second once `given_up` is set.
    """
    end, gone = time.monotonic() + timeout, given_up.get()
    bell.enter(jobs)
    try:
        while True:
            seen = bell.count(jobs)
            if not _any_open(jobs):
                return True
            left = end - time.monotonic()
            if left <= 0:
                return False
            if gone and gone.is_set():
                raise CancelledError
            seconds = min(left, ASK_AGAIN_SECONDS)
            if bell.wait(jobs, seen=seen, seconds=min(seconds, SOON_SECONDS)):
                continue
            if not connection.in_atomic_block:
                # Whoever waits for long needs no connection, and hundreds may wait.
                close_old_connections()
            bell.wait(jobs, seen=seen, seconds=max(seconds - SOON_SECONDS, 0))
    finally:
        bell.leave(jobs)
