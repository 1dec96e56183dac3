"""`manage.py foreman`: loop, signals and outages only."""

import signal
from threading import Event
from types import FrameType

import structlog
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import InterfaceError, OperationalError, close_old_connections
from django.utils.timezone import now

from hive_site.kernel.redis import RedisError, safe_url

log = structlog.get_logger()
REST_AFTER_OUTAGE_SECONDS = 1.0


class Command(BaseCommand):
    """Place work on nodes, record what comes back, watch over the cluster."""

    help = "Run the Foreman. Any number may run: one leads, the others stand by."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="take one step, then exit")

    def handle(self, *args: object, once: bool, **options: object) -> None:
        """Run until SIGINT or SIGTERM."""
        from hive_site.wiring import build_foreman

        if not settings.HIVE.enabled:
            raise CommandError("ENABLE_HIVE is false; set it to true to run the Foreman")
        stop = Event()

        def on_signal(signum: int, frame: FrameType | None) -> None:
            stop.set()

        for signum in (signal.SIGINT, signal.SIGTERM):
            signal.signal(signum, on_signal)
        try:
            foreman = build_foreman()
        except RedisError as error:
            where = safe_url(settings.HIVE.redis_url)
            raise CommandError(f"no Redis at {where}: {error}; set REDIS_URL") from error
        while not stop.is_set():
            try:
                rest = foreman.tick(now())
                if once:
                    break
                if foreman.leads:
                    foreman.wait(rest)
                else:
                    stop.wait(rest.total_seconds())
            except (OperationalError, InterfaceError, RedisError, OSError) as error:
                log.warning("foreman.outage", error=str(error))
                close_old_connections()
                stop.wait(REST_AFTER_OUTAGE_SECONDS)
        try:
            foreman.stop()
        except (OperationalError, InterfaceError) as error:
            log.warning("foreman.lease_kept", error=str(error))
