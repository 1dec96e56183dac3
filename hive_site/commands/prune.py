"""`hive prune`: delete what is too old now, rather than when the Foreman comes to it."""

import argparse
import sys
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from hive_site.commands.answers import answer
from hive_site.configuration import MAX_TTL_SECONDS
from hive_site.kernel.errors import Invalid

if TYPE_CHECKING:
    from jobs.retention import Terms

HELP = "delete what is too old: results, jobs, stored values, audit, sessions, events"
ROWS_AT_ONCE = 2000
FILES = "stray files"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How old, and whether to only look."""
    parser.add_argument("--dry-run", action="store_true", help="only count what would go")
    parser.add_argument(
        "--older-than",
        metavar="SECONDS",
        help="results of jobs that ended before that (default: HIVE_RESULT_TTL)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: dict[str, Any]) -> int:
    """Delete, and say how much of each that was."""
    from django.utils import timezone

    from jobs.models import Blob
    from jobs.retention import count_due, terms_of
    from nodes import retention as people
    from ota import retention as updates

    terms = terms_of(timezone.now(), older_than=read_age(options["older_than"]))
    dry, quiet = options["dry_run"], options["json"]
    counts = count_due(terms) | people.count_due(terms.now) | updates.count_due(terms.now)
    if not dry:
        before = Blob.objects.count()
        for what, done in prune(terms):
            if not quiet:
                show_progress(what, done)
        # What was deleted first made more of them useless.
        counts["stored values"] = before - Blob.objects.count()
    if quiet:
        answer({"dry_run": dry, "pruned": counts})
    else:
        tell(counts, dry=dry)
    return 0


def prune(terms: "Terms") -> Iterator[tuple[str, int]]:
    """Delete in small transactions; what and how many rows so far, after each of them."""
    from django.db import transaction

    from jobs.blobs import storage
    from jobs.pruner import STAGES, by_time
    from jobs.retention import stray_files
    from ota import retention as updates

    events = {name: by_time(stage) for name, stage in updates.STAGES.items()}
    for what, stage in {**STAGES, **events}.items():
        done = 0
        while True:
            with transaction.atomic():
                count = stage(terms, ROWS_AT_ONCE)
            if not count:
                break
            done += count
            yield what, done
    for done, name in enumerate(stray_files(terms), start=1):
        storage().delete(name)
        yield FILES, done


def read_age(text: str | None) -> timedelta | None:
    """The age in `text`. Raises `Invalid` for what is none."""
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if 0 <= seconds <= MAX_TTL_SECONDS:
        return timedelta(seconds=seconds)
    rule = f"give seconds, from 0 to {MAX_TTL_SECONDS}"
    raise Invalid(f"--older-than {text!r}: {rule}", field="older_than")


def show_progress(what: str, done: int) -> None:
    """One line that is written over, for people at a terminal."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{what}: {done:,} …\033[K")


def tell(counts: dict[str, int], *, dry: bool) -> None:
    """For people."""
    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K")
    found = [f"{count:,} {what}" for what, count in counts.items() if count]
    verb = "would be deleted" if dry else "deleted"
    print(f"{verb}: {', '.join(found)}" if found else "nothing is too old")
