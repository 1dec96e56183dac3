"""`manage.py foreman`: loop, signals and outages only."""

import gc
import signal
from threading import Event, Thread
from types import FrameType
from typing import TYPE_CHECKING

import structlog
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import close_old_connections
from django.utils.timezone import now

from hive_site.kernel.outages import OUTAGES
from hive_site.kernel.pulse import Pulse
from hive_site.kernel.redis import RedisError, safe_url
from hive_site.occupied import occupy

if TYPE_CHECKING:
    from nodes.foreman import Foreman

log = structlog.get_logger()
REST_AFTER_OUTAGE_SECONDS = 1.0
#: How long the courier may take to put down what it carries.
COURIER_SECONDS = 5.0
#: So many more objects, and the youngest are looked through for garbage.
COLLECT_AFTER = 10_000


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
        foreman, self._pulse = self._build(), Pulse(settings.HIVE.pulse)
        if not once:
            _spare_collector()
        courier = None if once else self._send_courier(stop)
        try:
            if once:
                self._step_once(foreman)
            while not (once or stop.is_set()):
                self._step(foreman, stop)
        finally:
            self._make_way(foreman)
            stop.set()
            if courier:
                courier.join(COURIER_SECONDS)

    def _step_once(self, foreman: "Foreman") -> None:
        try:
            foreman.tick(now())
        except OUTAGES as error:
            raise CommandError(f"the step failed: {error}; `hive doctor` finds out why") from error

    def _step(self, foreman: "Foreman", stop: Event) -> None:
        try:
            pause = foreman.tick(now())
            self._pulse.beat("leads" if foreman.leads else "stands by")
            if foreman.leads:
                foreman.wait(pause)
            else:
                stop.wait(pause.total_seconds())
        except OUTAGES as error:
            foreman.suffer(error)
            log.warning("foreman.outage", error=str(error))
            self._pulse.beat("waits for Redis and the database", works=False)
            close_old_connections()
            stop.wait(REST_AFTER_OUTAGE_SECONDS)

    def _make_way(self, foreman: "Foreman") -> None:
        try:
            foreman.stop()
        except OUTAGES as error:
            log.warning("foreman.lease_kept", error=str(error))

    def _send_courier(self, stop: Event) -> Thread:
        """Whoever tells others that jobs ended, beside the loop."""
        from hive_site.wiring import build_courier

        thread = Thread(target=build_courier().run, args=(stop,), name="courier", daemon=True)
        thread.start()
        return thread

    def _build(self) -> "Foreman":
        from hive_site.wiring import build_foreman

        occupy(settings.HIVE.data)
        try:
            foreman = build_foreman()
            foreman.check_redis()
        except (RedisError, OSError) as error:
            where = safe_url(settings.HIVE.redis_url)
            raise CommandError(
                f"no Redis at {where} ({error}); start it or set REDIS_URL"
            ) from error
        return foreman


def _spare_collector() -> None:
    """What was imported stays for good: to look through all of it for garbage again and again
    would stop the loop for a tenth of a second each time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)
