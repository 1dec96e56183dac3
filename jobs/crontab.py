"""Cron expressions: five fields with the meaning that Debian's cron gives them, in any time zone.

What falls into the hour that a change to summer time leaves out runs right after it; what falls
into the hour that comes twice runs once, unless it runs every so many minutes or hours.
"""

import zoneinfo
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache

from cronsim import CronSim, CronSimError

from hive_site.kernel.errors import Invalid
from jobs.domain.cron import Ticks, next_time

FIELDS, LONGEST = 5, 100
EXAMPLE = "minute, hour, day of month, month, day of week, like 30 6 * * MON-FRI"
#: What these mean depends on the machine, or is no time at all.
VAGUE_ZONES = frozenset({"localtime", "posixrules", "Factory"})


@cache
def _known_zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones() - VAGUE_ZONES)


def check_timezone(name: object) -> str:
    """The name, if it is that of a time zone. Raises `Invalid`."""
    if not isinstance(name, str) or name not in _known_zones():
        raise Invalid(f"{name!r} is no time zone; give one like Europe/Berlin", field="timezone")
    return name


def check_cron(text: object, *, timezone: str, now: datetime) -> str:
    """The expression, if it means some time that comes. Raises `Invalid`."""
    if not isinstance(text, str) or len(text.split()) != FIELDS or len(text) > LONGEST:
        raise Invalid(f"{text!r}; give five fields: {EXAMPLE}", field="cron")
    tidy = " ".join(text.split())
    if next_time(ticks_of(tidy, timezone), after=now) is None:
        raise Invalid(f"{text!r} never comes; give {EXAMPLE}", field="cron")
    return tidy


def ticks_of(cron: str, timezone: str) -> Ticks:
    """The times of the expression there, in UTC. Raises `Invalid`."""
    zone = zoneinfo.ZoneInfo(check_timezone(timezone))
    try:
        CronSim(cron, datetime.min)
    except CronSimError as error:
        raise Invalid(f"{cron!r}: {error}; give {EXAMPLE}", field="cron") from error

    def ticks(after: datetime) -> Iterator[datetime]:
        last = after
        for local in CronSim(cron, after.astimezone(zone)):
            at = local.astimezone(UTC)
            # An hour that comes twice, or not at all, makes some come twice or too early.
            if at > last:
                last = at
                yield at

    return ticks
