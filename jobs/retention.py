"""What is deleted when its time is over: small batches, each a transaction of its own caller.

A job's items and results go after `HIVE_RESULT_TTL`, its row after `HIVE_JOB_TTL`. Blobs are
marked and swept: what nothing refers to goes, unless somebody stored it within the last hour and
is only about to refer to it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import BooleanField, Exists, Model, OuterRef, Q, QuerySet
from django.db.models.expressions import RawSQL

from jobs.blobs import place, storage
from jobs.domain.references import Reference
from jobs.domain.states import JOB_OPEN, JOB_TERMINAL, Kept
from jobs.models import Blob, CachedResult, Edge, IdempotencyKey, Job, Subtask
from jobs.services.deleting import delete_jobs, delete_subtasks

KEY_TTL = timedelta(hours=24)
GRACE = timedelta(hours=1)
JOBS_AT_ONCE = 200
#: A storage across a network takes its time for each.
BLOBS_AT_ONCE = 50
#: Every column that may hold a reference; each has a small index of those that do.
REFERRING: tuple[tuple[type[Model], str], ...] = (
    (Subtask, "item"),
    (Subtask, "result"),
    (Job, "kwargs"),
    (Job, "result"),
    (CachedResult, "result"),
)
#: What such a row's name is made of.
SHOWN: dict[type[Model], tuple[str, ...]] = {Subtask: ("job", "index")}
#: The condition of these indexes, to the letter: no other makes SQLite use them.
BEGINS = {"sqlite": r"{} LIKE '@%%' ESCAPE '\'", "postgresql": "{}::text LIKE '@%%'"}


@dataclass(frozen=True, slots=True)
class Terms:
    """Whose time is over: what is older than these."""

    now: datetime
    results: datetime
    jobs: datetime

    @property
    def keys(self) -> datetime:
        """Idempotency keys from before this are forgotten."""
        return self.now - KEY_TTL

    @property
    def blobs(self) -> datetime:
        """Blobs that nobody stored since then are looked at."""
        return self.now - GRACE


def terms_of(now: datetime, *, older_than: timedelta | None = None) -> Terms:
    """The settings' terms; `older_than` replaces the one for results."""
    ttl = timedelta(seconds=settings.HIVE.result_ttl) if older_than is None else older_than
    return Terms(now, now - ttl, now - timedelta(seconds=settings.HIVE.job_ttl))


def jobs_with_old_results(terms: Terms) -> QuerySet[Job]:
    """Jobs whose items and results go, the oldest first.

    A workflow goes when all of it ended, and a parent when no child waits for what it gave.
    """
    ended = Job.objects.filter(state__in=JOB_TERMINAL, finished_at__lt=terms.results)
    siblings = Job.objects.filter(workflow=OuterRef("workflow"), state__in=JOB_OPEN)
    whole = Q(workflow="") | ~Exists(siblings)
    waiting = Edge.objects.filter(parent=OuterRef("pk"), passed=False, child__state__in=JOB_OPEN)
    found = ended.exclude(kept=Kept.ROW).filter(whole, ~Exists(waiting))
    return found.order_by("finished_at")


def expire_results(terms: Terms, limit: int) -> int:
    """Delete up to `limit` subtasks of jobs whose results are too old; how many rows changed."""
    found = jobs_with_old_results(terms)[:JOBS_AT_ONCE]
    jobs = list(found.values_list("pk", flat=True))
    # From now on nobody can retry them. Whoever did a moment ago keeps everything.
    going = Job.objects.filter(pk__in=jobs, state__in=JOB_TERMINAL)
    going.filter(kept=Kept.ALL).update(kept=Kept.GOING)
    gone = list(going.filter(kept=Kept.GOING).values_list("pk", flat=True))
    rows = Subtask.objects.filter(job_id__in=gone).values_list("pk", flat=True)
    subtasks = list(rows[:limit])
    delete_subtasks(subtasks)
    if len(subtasks) < limit:
        Job.objects.filter(pk__in=gone).update(kept=Kept.ROW, kwargs="{}", result=None)
    return len(subtasks) + len(gone)


def old_jobs(terms: Terms) -> QuerySet[Job]:
    """Jobs of which only the row is left, and that is too old too."""
    ended = Job.objects.filter(finished_at__lt=terms.jobs, kept=Kept.ROW)
    return ended.filter(state__in=JOB_TERMINAL)


def forget_jobs(terms: Terms, limit: int) -> int:
    """Delete up to `limit` rows of jobs; how many."""
    jobs = list(old_jobs(terms).values_list("pk", flat=True)[: min(limit, JOBS_AT_ONCE)])
    delete_jobs(jobs)
    return len(jobs)


def forget_keys(terms: Terms, limit: int) -> int:
    """Delete up to `limit` idempotency keys; how many."""
    return _delete(IdempotencyKey.objects.filter(created_at__lt=terms.keys), limit)


def forget_cached(terms: Terms, limit: int) -> int:
    """Delete up to `limit` cached results whose time is over; how many."""
    return _delete(CachedResult.objects.filter(expires_at__lt=terms.now), limit)


def _delete(rows: QuerySet[Any], limit: int) -> int:
    keys = list(rows.values_list("pk", flat=True)[:limit])
    return rows.model.objects.filter(pk__in=keys).delete()[0] if keys else 0


def sweep_blobs(terms: Terms, limit: int) -> int:
    """Look at up to `limit` blobs and delete those that nothing refers to; how many were seen."""
    old = Blob.objects.filter(last_used_at__lt=terms.blobs).order_by("last_used_at")
    old = old[: min(limit, BLOBS_AT_ONCE)]
    seen = {str(Reference(blob.sha256, blob.size)): blob.sha256 for blob in old}
    used = find_used(list(seen))
    # Not looked at again for as long as new ones are not.
    Blob.objects.filter(pk__in=[seen[text] for text in used]).update(last_used_at=terms.now)
    shelf = storage()
    for text, sha256 in seen.items():
        # Guarded, and the file goes before the commit: whoever stores it again at this moment
        # waits for us, and then finds that it is not there.
        mine = Blob.objects.filter(pk=sha256, last_used_at__lt=terms.blobs)
        if text not in used and mine.delete()[0]:
            shelf.delete(place(sha256))
    return len(seen)


def find_used(references: list[str]) -> set[str]:
    """Those of the references that some row holds."""
    used: set[str] = set()
    for model, column in REFERRING:
        rows = _with_reference(model, column).filter(**{f"{column}__in": references})
        used.update(rows.values_list(column, flat=True))
    return used


def referring() -> Iterator[tuple[Model, str]]:
    """Every row that refers to a stored value, and in which column."""
    for model, column in REFERRING:
        # Without the other columns, each of which may be long.
        rows = _with_reference(model, column).only(column, *SHOWN.get(model, ()))
        for row in rows.iterator():
            yield row, column


def _with_reference(model: type[Model], column: str) -> QuerySet[Any]:
    begins = BEGINS[connection.vendor].format(column)
    large = RawSQL(begins, (), BooleanField())  # noqa: S611  # nosec B611  # no values in it
    return model._base_manager.filter(large)


def stray_files(terms: Terms) -> Iterator[str]:
    """Names in the storage that no row tells of: what a rolled back or torn write left."""
    shelf = storage()
    try:
        folders = shelf.listdir("")[0]
    except FileNotFoundError:
        return
    for folder in sorted(folders):
        names = shelf.listdir(folder)[1]
        known = set(Blob.objects.filter(pk__startswith=folder).values_list("pk", flat=True))
        for name in sorted(set(names) - known):
            path = f"{folder}/{name}"
            if shelf.get_modified_time(path) < terms.blobs:
                yield path


#: In this order: what goes first makes more of what comes after it useless.
STAGES: dict[str, Callable[[Terms, int], int]] = {
    "results": expire_results,
    "jobs": forget_jobs,
    "idempotency keys": forget_keys,
    "cached results": forget_cached,
    "stored values": sweep_blobs,
}


def count_due(terms: Terms) -> dict[str, int]:
    """How much of each is due now; of stored values, those that nothing refers to by now."""
    old = Blob.objects.filter(last_used_at__lt=terms.blobs)
    texts = [str(Reference(blob.sha256, blob.size)) for blob in old.iterator()]
    used: set[str] = set()
    for start in range(0, len(texts), 500):
        used |= find_used(texts[start : start + 500])
    return {
        "results": jobs_with_old_results(terms).count(),
        "jobs": old_jobs(terms).count(),
        "idempotency keys": IdempotencyKey.objects.filter(created_at__lt=terms.keys).count(),
        "cached results": CachedResult.objects.filter(expires_at__lt=terms.now).count(),
        "stored values": len(texts) - len(used),
        "stray files": sum(1 for _ in stray_files(terms)),
    }
