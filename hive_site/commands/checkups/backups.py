"""Whether the data directory is whole, and whether it could be had back."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from hive_site.commands.checkups.finding import Finding, bad, ok, warn
from hive_site.occupied import is_half_restored

#: `hive backup` leaves the time here.
MADE_AT = "run/backed_up_at"
OLD = timedelta(days=8)


def check_backups(data: Path, *, now: datetime) -> Iterator[Finding]:
    """How old the last backup is; and a restore that broke off while it put things in place."""
    if is_half_restored(data):
        mend = f"python manage.py hive restore FILE --data {data} finishes it"
        yield bad("Restore", f"one into {data} broke off", mend)
    yield check_age(read_time(data), now=now)


def check_age(made_at: datetime | None, *, now: datetime) -> Finding:
    """Whether whoever began to make backups still does."""
    if made_at is None:
        return ok("Backup", "none made here yet (python manage.py hive backup)")
    found = f"the last one is of {made_at:%Y-%m-%d %H:%M} UTC"
    if now - made_at > OLD:
        return warn("Backup", found, "python manage.py hive backup; see why nobody makes them")
    return ok("Backup", found)


def read_time(data: Path) -> datetime | None:
    """When the last backup was made; None if nobody knows."""
    try:
        return datetime.fromisoformat((data / MADE_AT).read_text().strip())
    except (OSError, ValueError):
        return None
