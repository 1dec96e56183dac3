"""What was recorded for a job behind a position, in pages: what followers are told.

A page never skips anything. Transactions are numbered in the order of their commits, so once a
number is seen, all rows up to it are there; later rows are left for the next page.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery

from hive_site.kernel.errors import Gone
from jobs.domain.following import Kind, Position, Reading, Record, merge
from jobs.domain.states import JOB_TERMINAL, Kept, Role
from jobs.json_text import assemble
from jobs.models import Job, LogChunk, Partial, Subtask
from jobs.selectors import job_text, progress_of, result_texts

#: A page ends behind the row that makes it larger than this, and holds no more rows of a kind.
PAGE_CHARS, PAGE_ROWS = 256 * 1024, 1000
COUNTERS = ("state", "kept", "total", "running", "succeeded", "failed", "cancelled")
SPOKEN = ("seq", "id", "subtask__index", "subtask__role", "number", "node", "n")


#: The last transaction that wrote rows of each kind for a job; the conditions are the indexes'.
ROWS = {
    Kind.LOG: LogChunk.objects.filter(job_id=OuterRef("pk")),
    Kind.PARTIAL: Partial.objects.filter(job_id=OuterRef("pk")),
    Kind.RESULT: Subtask.objects.filter(job_id=OuterRef("pk"), seq__gt=0),
}
LAST = {
    f"last_{kind.name}": Subquery(rows.order_by("-seq").values("seq")[:1])
    for kind, rows in ROWS.items()
}


@dataclass(frozen=True, slots=True)
class Page:
    """Some of what happened, and where that leaves its reader. Texts are JSON."""

    records: list[Record]
    end: Position
    #: Whether there was nothing more just then.
    whole: bool
    #: Whether more may be recorded.
    live: bool
    #: The job's state and progress; None if the job is no more.
    state: str | None
    #: The job, if it has ended and this is the last page.
    final: str | None


def read_page(job_id: str, after: Position) -> Page:
    """The next page of a job's records. Raises `Gone` once they are being deleted."""
    # In one statement: all of it is of one moment, and a job ends with its last result.
    job = Job.objects.only(*COUNTERS).filter(pk=job_id).annotate(**LAST).first()
    if job is None:
        return Page([], after, True, False, None, None)
    if job.kept != Kept.ALL:
        raise Gone(f"job {job_id}: what was recorded of it was deleted (HIVE_RESULT_TTL)")
    last = {kind: getattr(job, f"last_{kind.name}") or 0 for kind in Kind}
    horizon = max(last.values())
    readings = [
        READERS[kind](job_id, after, horizon)
        for kind in Kind
        if last[kind] and last[kind] >= after.behind(kind)[0]
    ]
    found = merge(readings)
    end = found.records[-1].position if found.records else after
    state = assemble({"state": job.state, "progress": progress_of(job)})
    live = job.state not in JOB_TERMINAL
    final = _final(job_id) if found.whole and not live else None
    return Page(list(found.records), end, found.whole, live, state, final)


def _final(job_id: str) -> str | None:
    """The job, unless it was given another chance just now, or some of it was deleted."""
    job = Job.objects.filter(pk=job_id, state__in=JOB_TERMINAL, kept=Kept.ALL).first()
    return job_text(job) if job else None


def _behind(
    rows: QuerySet, kind: Kind, after: Position, horizon: int, columns: tuple[str, ...]
) -> Iterator[Any]:
    """Rows of a kind behind a position in their order, one more than a page may hold at most."""
    seq, key = after.behind(kind)
    # One after the other, because no index finds both at once, and many may share a transaction.
    same = rows.filter(seq=seq, id__gt=key).order_by("id")
    later = rows.filter(seq__gt=seq, seq__lte=horizon).order_by("seq", "id")
    found = (part.values_list(*columns)[: PAGE_ROWS + 1].iterator() for part in (same, later))
    return islice(chain.from_iterable(found), PAGE_ROWS + 1)


def _logs(job_id: str, after: Position, horizon: int) -> Reading:
    rows = LogChunk.objects.filter(job_id=job_id)
    return _take(_spoken(Kind.LOG, _behind(rows, Kind.LOG, after, horizon, (*SPOKEN, "text"))))


def _partials(job_id: str, after: Position, horizon: int) -> Reading:
    rows, columns = Partial.objects.filter(job_id=job_id), (*SPOKEN, "value")
    return _take(_spoken(Kind.PARTIAL, _behind(rows, Kind.PARTIAL, after, horizon, columns)))


def _spoken(kind: Kind, rows: Iterator[Any]) -> Iterator[Record]:
    for seq, key, index, role, number, node, n, text in rows:
        fields = {"index": index, "reduce": role == Role.REDUCE, "attempt": number, "node": node}
        if kind is Kind.LOG:
            data = assemble({**fields, "text": text})
        else:
            data = assemble({**fields, "n": n}, value=text)
        yield Record(Position(seq, kind, key), data)


def _results(job_id: str, after: Position, horizon: int) -> Reading:
    # The condition on `seq` is that of the index.
    ended = Subtask.objects.filter(job_id=job_id, role=Role.MAP, seq__gt=0)
    places = list(_behind(ended, Kind.RESULT, after, horizon, ("index", "seq", "id")))
    keys = {index: Position(seq, Kind.RESULT, key) for index, seq, key in places}
    # What was given another chance just now is told again when it has ended.
    chosen = ended.filter(id__in=[key for _, _, key in places]).order_by("seq", "id")
    texts = result_texts(chosen) if places else iter(())
    return _take((Record(keys[index], text) for index, text in texts), more=len(places) > PAGE_ROWS)


def _take(records: Iterator[Record], *, more: bool = False) -> Reading:
    """So many of them as a page may hold."""
    taken: list[Record] = []
    chars = 0
    for record in records:
        if len(taken) == PAGE_ROWS or chars >= PAGE_CHARS:
            return Reading(taken, whole=False)
        taken.append(record)
        chars += len(record.data)
    return Reading(taken, whole=not more)


READERS = {Kind.LOG: _logs, Kind.PARTIAL: _partials, Kind.RESULT: _results}
