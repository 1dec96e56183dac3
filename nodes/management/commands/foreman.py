"""`manage.py foreman`: loop, signals and outages only."""

import signal
from threading import Event
from types import FrameType
from typing import TYPE_CHECKING

import structlog
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import InterfaceError, OperationalError, close_old_connections
from django.db.transaction import TransactionManagementError
from django.utils.timezone import now

from hive_site.kernel.redis import RedisError, safe_url

if TYPE_CHECKING:
    from nodes.foreman import Foreman

log = structlog.get_logger()
REST_AFTER_OUTAGE_SECONDS = 1.0
#: The third is how Django puts it when the database goes away while a savepoint is rolled back.
OUTAGES = (OperationalError, InterfaceError, TransactionManagementError, RedisError, OSError)


class Command(BaseCommand):
    """Place work on nodes, record what comes back, watch over the cluster."""

    help = "Run the Foreman. Any number may run: one leads, the others stand by."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="take one step, then exit")

    def handle(self, *args: object, once: bool, **options: object) -> None:
        """Run until SIGINT or SIGTERM."""
        if not settings.HIVE.enabled:
            raise CommandError("ENABLE_HIVE is false; set it to true to run the Foreman")
        stop = Event()

        def on_signal(signum: int, frame: FrameType | None) -> None:
            stop.set()

        for signum in (signal.SIGINT, signal.SIGTERM):
            signal.signal(signum, on_signal)
        foreman = self._build()
        self._step(foreman, stop, rest=not once)
        while not (once or stop.is_set()):
            self._step(foreman, stop)
        try:
            foreman.stop()
        except OUTAGES as error:
            log.warning("foreman.lease_kept", error=str(error))

    def _step(self, foreman: "Foreman", stop: Event, *, rest: bool = True) -> None:
        try:
            pause = foreman.tick(now())
            if not rest:
                return
            if foreman.leads:
                foreman.wait(pause)
            else:
                stop.wait(pause.total_seconds())
        except OUTAGES as error:
            log.warning("foreman.outage", error=str(error))
            close_old_connections()
            stop.wait(REST_AFTER_OUTAGE_SECONDS)

    def _build(self) -> "Foreman":
        from hive_site.wiring import build_foreman

        try:
            foreman = build_foreman()
            foreman.check_redis()
        except (RedisError, OSError) as error:
            where = safe_url(settings.HIVE.redis_url)
            raise CommandError(
                f"no Redis at {where} ({error}); start it or set REDIS_URL"
            ) from error
        return foreman
