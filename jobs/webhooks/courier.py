"""Empties the outbox beside the Foreman's loop, so that a slow receiver delays nothing.

One thread talks to the database, and holds no transaction while anything is sent; each POST has
a thread of its own. Every Foreman process has a courier, whether it leads or not: a row is sent
by whoever claims it first, and claimed again if its courier died.
"""

import queue
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from random import Random
from threading import Event, Thread
from time import monotonic

import structlog
from django.db import Error, close_old_connections
from django.db.models import QuerySet
from django.utils import timezone

from jobs.domain.delivery import DeliveryState, is_delivered, next_try
from jobs.models import Delivery
from jobs.webhooks.sending import Parcel, Receipt

log = structlog.get_logger()
#: What is under way at once, in all and to one host.
AT_ONCE, AT_ONCE_PER_HOST = 8, 2
#: Nobody else sends what is under way. A courier that renews this no more is dead.
LEASE = timedelta(seconds=20)
RENEW_EVERY = LEASE / 4
LOOK_EVERY_SECONDS = 1.0
#: One delivery that makes no sense is there the next time too.
REST_AFTER_BREAKING_SECONDS = 60.0
#: How long what is under way may take when the Foreman stops.
FAREWELL_SECONDS = 2.0
KEPT = timedelta(days=30)
TIDY_EVERY = timedelta(hours=1)


class Courier:
    """Claims what is due, sends it, writes down what became of it."""

    def __init__(self, send: Callable[[Parcel], Receipt], *, random: Random | None = None) -> None:
        self._send, self._random = send, random or Random()
        self._receipts: queue.SimpleQueue[Receipt] = queue.SimpleQueue()
        self._under_way: dict[str, Parcel] = {}
        self._unwritten: list[Receipt] = []
        self._tidy_at: datetime | None = None
        self._renew_at: datetime | None = None

    def run(self, stop: Event) -> None:
        """Work until `stop`; then give what is under way a moment to end."""
        while not stop.is_set():
            try:
                rest = self.step(timezone.now())
            except Error as error:
                log.warning("courier.outage", error=str(error))
                close_old_connections()
                rest = LOOK_EVERY_SECONDS
            except Exception:  # a thread's edge: nobody would start another courier
                log.exception("courier.broke")
                close_old_connections()
                rest = REST_AFTER_BREAKING_SECONDS
            if rest:
                self.rest(rest, stop)
        self._leave()

    def step(self, now: datetime) -> float:
        """Write down what came back, send what is due. Returns the seconds to rest."""
        self._write_down(now)
        self._renew(now)
        self._tidy(now)
        busy = Counter(parcel.host for parcel in self._under_way.values())
        full = [host for host, count in busy.items() if count >= AT_ONCE_PER_HOST]
        room = AT_ONCE - len(self._under_way)
        due = Delivery.objects.filter(state=DeliveryState.PENDING, next_at__lte=now)
        due = due.exclude(pk__in=self._under_way).exclude(host__in=full)
        rows = list(due.order_by("next_at")[:room]) if room else []
        for row in rows:
            if busy[row.host] < AT_ONCE_PER_HOST and self._claim(row, now):
                busy[row.host] += 1
                self._dispatch(Parcel(row.pk, row.url, row.host, row.body, row.tries + 1))
        # A host may have been full up with these, and another one wait behind them.
        return 0.0 if len(rows) == room and len(self._under_way) < AT_ONCE else LOOK_EVERY_SECONDS

    def rest(self, seconds: float, stop: Event | None = None) -> None:
        """Wait for something to come back, for the time to be over, or for `stop`."""
        if not self._under_way and stop:
            stop.wait(seconds)
            return
        end = monotonic() + seconds
        # Nothing wakes who waits for receipts when it shall stop.
        while (left := end - monotonic()) > 0 and not (stop and stop.is_set()):
            with suppress(queue.Empty):
                receipt = self._receipts.get(timeout=min(left, LOOK_EVERY_SECONDS))
                self._unwritten.append(receipt)
                return

    def _claim(self, row: Delivery, now: datetime) -> bool:
        mine = Delivery.objects.filter(
            pk=row.pk, state=DeliveryState.PENDING, next_at=row.next_at, tries=row.tries
        )
        return mine.update(next_at=now + LEASE, tries=row.tries + 1) == 1

    def _dispatch(self, parcel: Parcel) -> None:
        self._under_way[parcel.id] = parcel
        # Not a pool of the standard library: the interpreter waits for its threads at its end.
        thread = Thread(target=self._carry, args=(parcel,), name=parcel.id, daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # there can be no more threads
            self._receipts.put(Receipt(parcel, error=f"RuntimeError: {error}"))

    def _carry(self, parcel: Parcel) -> None:
        try:
            receipt = self._send(parcel)
        except Exception as error:  # a thread's edge: no surprise may lose the parcel
            log.exception("webhook.broke", delivery=parcel.id)
            receipt = Receipt(parcel, error=f"{type(error).__name__}: {error}")
        self._receipts.put(receipt)

    def _write_down(self, now: datetime) -> None:
        while not self._receipts.empty():
            self._unwritten.append(self._receipts.get_nowait())
        while self._unwritten:
            self._settle(self._unwritten[0], now)
            receipt = self._unwritten.pop(0)
            self._under_way.pop(receipt.parcel.id, None)

    def _renew(self, now: datetime) -> None:
        """Keep what is under way: a name server or a receiver may be slower than expected."""
        if self._renew_at and now < self._renew_at:
            return
        self._renew_at = now + RENEW_EVERY
        for parcel in self._under_way.values():
            _rows_of(parcel).update(next_at=now + LEASE)

    def _settle(self, receipt: Receipt, now: datetime) -> None:
        parcel, status = receipt.parcel, receipt.status
        mine, told = _rows_of(parcel), {"status": status, "error": _printable(receipt.error)[:300]}
        if is_delivered(status):
            # Whichever try it was, and whatever became of others: the receiver has it.
            missing = Delivery.objects.filter(pk=parcel.id).exclude(state=DeliveryState.DELIVERED)
            missing.update(state=DeliveryState.DELIVERED, ended_at=now, body="", **told)
            log.info("webhook.delivered", delivery=parcel.id, host=parcel.host, tries=parcel.tries)
            return
        wait = next_try(parcel.tries, status, retry_after=receipt.retry_after, random=self._random)
        if wait is None or receipt.refused:
            mine.update(state=DeliveryState.FAILED, ended_at=now, **told)
        else:
            mine.update(next_at=now + timedelta(seconds=wait), **told)
        log.warning(
            "webhook.not_delivered",
            delivery=parcel.id,
            host=parcel.host,
            tries=parcel.tries,
            status=status,
            error=receipt.error,
            again_in=None if receipt.refused else wait,
        )

    def _tidy(self, now: datetime) -> None:
        if self._tidy_at is None or now >= self._tidy_at:
            self._tidy_at = now + TIDY_EVERY
            Delivery.objects.filter(ended_at__lt=now - KEPT).delete()

    def _leave(self) -> None:
        """What does not come back in time is sent again by the next Foreman."""
        end = timezone.now() + timedelta(seconds=FAREWELL_SECONDS)
        try:
            while self._under_way and (left := (end - timezone.now()).total_seconds()) > 0:
                self.rest(left)
                self._write_down(timezone.now())
        except Error as error:
            log.warning("courier.outage", error=str(error))
        close_old_connections()


def _rows_of(parcel: Parcel) -> QuerySet[Delivery]:
    """The delivery, as long as nobody else began another try."""
    return Delivery.objects.filter(pk=parcel.id, state=DeliveryState.PENDING, tries=parcel.tries)


def _printable(text: str) -> str:
    """Text that every database keeps, whatever a receiver said."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
