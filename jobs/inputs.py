"""Puts the results of parents where jobs quote them, once all of them have ended.

Texts are made job by job, each within what it may take; rows are written for many at once.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import DataError, connection, transaction
from django.db.models import QuerySet, Sum
from django.db.models.functions import Length

from jobs import blobs
from jobs.domain.graph import Bond, Feed
from jobs.domain.quotes import MARK, read_reference, splice
from jobs.domain.states import Role, SubtaskState
from jobs.intake import store_rows
from jobs.models import Job, Subtask
from jobs.quoting import MAX_CHARS, REFUSALS, BadInput, Quotes, Shelf

#: What one transaction writes; whoever is still to get their input then wait for the next.
MOST_CHARS = 2 * MAX_CHARS
#: What a row costs beside its text, as if it were longer.
ROW_CHARS = 200
#: What is read at once, and what is written at once.
CHUNK_CHARS, CHUNK_JOBS = 4 * 1024 * 1024, 200
SET_KWARGS = "UPDATE jobs_job SET kwargs = %s WHERE id = %s"
SET_TOTAL = "UPDATE jobs_job SET total = %s WHERE id = %s"
SET_ITEM = "UPDATE jobs_subtask SET item = %s WHERE id = %s"
MOVE_REDUCTION = (
    f"UPDATE jobs_subtask SET \"index\" = %s WHERE job_id = %s AND role = '{Role.REDUCE}'"  # noqa: S608  # nosec B608  # a constant of ours
)


@dataclass(frozen=True, slots=True)
class Given:
    """What became of jobs that were to get their input."""

    ready: set[str] = field(default_factory=set)
    #: How many items those of the ready ones have that took a list of them.
    totals: dict[str, int] = field(default_factory=dict)
    #: Why others cannot have it.
    refused: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Draft:
    """What a blocked job says where it quotes its parents: its arguments, and items by key."""

    job: str
    kwargs: str
    items: list[tuple[int, str]]


@dataclass(frozen=True, slots=True)
class Input:
    """The same with what the parents gave. `fan`: its items, in place of the only one it has."""

    job: str
    kwargs: str
    items: list[tuple[int, str]]
    fan: list[str] | None = None

    @property
    def chars(self) -> int:
        """How much there is to write."""
        texts = [text for _, text in self.items] + [self.kwargs] * bool(self.kwargs)
        texts += self.fan or ()
        return sum(len(text) + ROW_CHARS for text in texts)


def give_inputs(jobs: Sequence[str], bonds: Mapping[str, list[Bond]]) -> Given:
    """Write the parents' results into blocked jobs, in the caller's transaction.

    When that is as much as one transaction writes, the rest of the jobs are left as they are.
    """
    given = Given()
    for batch in _batches(_make(jobs, bonds, given)):
        _write(batch, given)
    return given


def _make(jobs: Sequence[str], bonds: Mapping[str, list[Bond]], given: Given) -> Iterator[Input]:
    shelf, chars = Shelf(), 0
    for draft in _read_drafts(jobs):
        try:
            made = fill_in(draft, bonds[draft.job], shelf)
        except REFUSALS as fact:
            given.refused[draft.job] = str(fact)
            continue
        yield made
        chars += made.chars
        if chars >= MOST_CHARS:
            return


def _read_drafts(jobs: Sequence[str]) -> Iterator[Draft]:
    for chunk in _chunks(jobs, _sizes(jobs)):
        quoting = Job.objects.filter(pk__in=chunk, kwargs__contains=MARK)
        kwargs = dict(quoting.values_list("pk", "kwargs"))
        items: dict[str, list[tuple[int, str]]] = defaultdict(list)
        rows = _quoting_items(chunk).order_by("job", "index")
        for job, pk, item in rows.values_list("job", "pk", "item"):
            items[job].append((pk, item))
        for job in chunk:
            yield Draft(job, kwargs.get(job, ""), items[job])


def _quoting_items(jobs: Sequence[str]) -> QuerySet[Subtask]:
    return Subtask.objects.filter(job__in=jobs, role=Role.MAP, item__contains=MARK)


def _sizes(jobs: Sequence[str]) -> Counter[str]:
    """How many characters there are to read of each job."""
    kwargs = Job.objects.filter(pk__in=jobs, kwargs__contains=MARK)
    items = _quoting_items(jobs).order_by().values("job")
    sizes = Counter(dict(kwargs.values_list("pk", Length("kwargs"))))
    sizes.update(dict(items.annotate(n=Sum(Length("item"))).values_list("job", "n")))
    return sizes


def _chunks(jobs: Sequence[str], sizes: Mapping[str, int]) -> Iterator[list[str]]:
    """The jobs, so many at once as can well be read."""
    chunk: list[str] = []
    chars = 0
    for job in jobs:
        if chunk and (chars + sizes[job] > CHUNK_CHARS or len(chunk) == CHUNK_JOBS):
            yield chunk
            chunk, chars = [], 0
        chunk.append(job)
        chars += sizes[job]
    if chunk:
        yield chunk


def fill_in(draft: Draft, bonds: Iterable[Bond], shelf: Shelf) -> Input:
    """The input of one job. Raises one of `REFUSALS` if it makes none."""
    feeding = [bond for bond in bonds if bond.feeds]
    quotes = Quotes(feeding, shelf)
    kwargs = splice(json.loads(draft.kwargs), quotes.text) if draft.kwargs else ""
    if any(bond.feeds is Feed.ITEMS for bond in feeding):
        return Input(draft.job, kwargs, [], fan=_fan(draft, quotes))
    items = [(pk, splice(json.loads(text), quotes.text)) for pk, text in draft.items]
    return Input(draft.job, kwargs, items)


def _fan(draft: Draft, quotes: Quotes) -> list[str]:
    """The elements of the parent's list."""
    for _, text in draft.items:
        if reference := read_reference(json.loads(text)):
            return quotes.items(reference)
    raise BadInput("it has no item any more that quotes a parent")


def _batches(inputs: Iterator[Input]) -> Iterator[list[Input]]:
    """The inputs, so many at once as can well be written."""
    batch: list[Input] = []
    chars = 0
    for each in inputs:
        batch.append(each)
        chars += each.chars
        if chars >= CHUNK_CHARS or len(batch) == CHUNK_JOBS:
            yield batch
            batch, chars = [], 0
    if batch:
        yield batch


def _write(inputs: list[Input], given: Given) -> None:
    try:
        with transaction.atomic():
            _write_texts(SET_KWARGS, [(each.kwargs, each.job) for each in inputs if each.kwargs])
            _write_texts(SET_ITEM, [(text, pk) for each in inputs for pk, text in each.items])
            _write_fans({each.job: each for each in inputs if each.fan is not None})
    except (DataError, ValueError) as fact:
        # Whatever it is, it must not keep the parent from ending, nor the others from starting.
        if len(inputs) == 1:
            given.refused[inputs[0].job] = str(fact)
        else:
            for each in inputs:
                _write([each], given)
        return
    given.ready.update(each.job for each in inputs)
    given.totals.update({each.job: len(each.fan) for each in inputs if each.fan is not None})


def _write_fans(fans: Mapping[str, Input]) -> None:
    """One subtask for each element, in place of the one that stood for all of them."""
    if not fans:
        return
    totals = [(len(each.fan or ()), job) for job, each in fans.items()]
    Subtask.objects.filter(job__in=fans, role=Role.MAP).delete()
    _execute(MOVE_REDUCTION, totals)
    _execute(SET_TOTAL, totals)
    store_rows(
        (job, index, SubtaskState.BLOCKED.value, item)
        for job, each in fans.items()
        for index, item in enumerate(blobs.keep(each.fan or ()))
    )


def _write_texts(statement: str, rows: list[tuple[str, Any]]) -> None:
    kept = blobs.keep([text for text, _ in rows])
    _execute(statement, [(text, key) for text, (_, key) in zip(kept, rows, strict=True)])


def _execute(statement: str, rows: list[tuple[Any, Any]]) -> None:
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(statement, rows)
