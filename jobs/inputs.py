"""Puts the results of parents where a job quotes them, once all of them have ended."""

import json
from collections.abc import Iterable

from django.db import connection
from django.db.models import QuerySet, Sum
from django.db.models.functions import Length

from jobs import blobs
from jobs.domain.graph import Bond, Feed
from jobs.domain.quotes import ALL, MARK, Reference, read_reference, splice
from jobs.domain.references import read_reference as read_stored
from jobs.domain.states import Role, SubtaskState
from jobs.intake import store_items
from jobs.models import Job, Subtask
from jobs.validation import MAX_ITEMS

#: What one job may take of its parents, as JSON text: as much as a submission may hold.
MAX_CHARS = 32 * 1024 * 1024
SET_ITEM = "UPDATE jobs_subtask SET item = %s WHERE id = %s"


class BadInput(Exception):
    """What the parents gave cannot be the input of the job."""


def value_text(text: str | None) -> str:
    """A stored result as JSON text; null if there is none. Raises `NotFound` if it is lost."""
    return blobs.whole(text) or "null"


def give_input(job: Job, bonds: Iterable[Bond]) -> None:
    """Write the parents' results into a blocked job. Raises `BadInput`; roll back then."""
    bonds = [bond for bond in bonds if bond.feeds]
    if not bonds:
        return
    quotes = Quotes(bonds)
    if MARK in job.kwargs:
        kwargs = splice(json.loads(job.kwargs), quotes.text)
        Job.objects.filter(pk=job.pk).update(kwargs=blobs.keep([kwargs])[0])
    if any(bond.feeds is Feed.ITEMS for bond in bonds):
        _fan_out(job, quotes)
    else:
        _fill_items(job, quotes)


def _fill_items(job: Job, quotes: "Quotes") -> None:
    rows = Subtask.objects.filter(job=job, role=Role.MAP, item__contains=MARK)
    texts = []
    for pk, item in rows.values_list("pk", "item"):
        text = splice(json.loads(item), quotes.text)
        quotes.spend(len(text))
        texts.append((text, pk))
    if texts:
        kept = blobs.keep([text for text, _ in texts])
        with connection.cursor() as cursor:
            cursor.executemany(SET_ITEM, [(t, pk) for t, (_, pk) in zip(kept, texts, strict=True)])


def _fan_out(job: Job, quotes: "Quotes") -> None:
    """One subtask for each element of the parent's list, in place of the one that quotes it."""
    stand_in = Subtask.objects.get(job=job, role=Role.MAP)
    reference = read_reference(json.loads(stand_in.item))
    if reference is None:
        raise BadInput(f"its item {stand_in.item[:100]} quotes nothing")
    items = quotes.items(reference)
    stand_in.delete()
    Subtask.objects.filter(job=job, role=Role.REDUCE).update(index=len(items))
    if items:
        store_items(job.pk, blobs.keep(items), state=SubtaskState.BLOCKED)
    job.total = len(items)
    Job.objects.filter(pk=job.pk).update(total=job.total)


class Quotes:
    """The results of some parents, read when they are asked for, within what one job may take."""

    def __init__(self, bonds: Iterable[Bond]) -> None:
        self._bonds = {bond.parent: bond for bond in bonds}
        self._bonds |= {bond.name: bond for bond in self._bonds.values() if bond.name}
        self._known: dict[Reference, str] = {}
        self._left = MAX_CHARS

    def spend(self, chars: int) -> None:
        """Count what is written. Raises `BadInput` if it is too much."""
        self._left -= chars
        if self._left < 0:
            raise BadInput(
                f"its input would be longer than {MAX_CHARS:,} characters;"
                ' quote less, or let the parent\'s list be its items: {"$result": name}'
            )

    def text(self, reference: Reference) -> str:
        """What a reference stands for, as JSON text."""
        if reference not in self._known:
            parent = self._parent(reference)
            lists = reference.kind == ALL or parent is None or _has_many(parent)
            text = f"[{','.join(self._results(parent))}]" if lists else value_text(parent.result)
            self.spend(len(text))
            self._known[reference] = text
        return self._known[reference]

    def items(self, reference: Reference) -> list[str]:
        """The list that a reference stands for, element by element. Raises `BadInput`."""
        parent = self._parent(reference)
        if reference.kind == ALL or parent is None or _has_many(parent):
            items = self._results(parent)
        else:
            items = self._elements(reference, value_text(parent.result))
        if len(items) > MAX_ITEMS:
            label = self._bonds[reference.name].label
            raise BadInput(f"{label} gave {len(items):,} items; one job takes {MAX_ITEMS:,}")
        return items

    def _elements(self, reference: Reference, text: str) -> list[str]:
        value = json.loads(text)
        if not isinstance(value, list):
            kind = {dict: "an object", str: "a text", type(None): "null"}.get(
                type(value), "a value"
            )
            label = self._bonds[reference.name].label
            raise BadInput(f"{label} gave {kind}; items take a list")
        self.spend(len(text))
        # ASCII, so that half of a surrogate pair stays the escape that it came as.
        return [json.dumps(element, separators=(",", ":")) for element in value]

    def _parent(self, reference: Reference) -> Job | None:
        bond = self._bonds[reference.name]
        return Job.objects.only("total", "reduce", "result").filter(pk=bond.parent).first()

    def _results(self, parent: Job | None) -> list[str]:
        """The results of all items that succeeded, in order, as a reduction gets them."""
        if parent is None:
            return []
        rows: QuerySet[Subtask] = Subtask.objects.filter(
            job=parent, role=Role.MAP, state=SubtaskState.SUCCEEDED
        )
        self.spend(rows.aggregate(n=Sum(Length("result")))["n"] or 0)
        texts = rows.order_by("index").values_list("result", flat=True)
        return [self._fetch(text) for text in texts]

    def _fetch(self, text: str | None) -> str:
        """A result, of which only the reference was counted if it is stored elsewhere."""
        if reference := read_stored(text):
            self.spend(reference.size)
        return value_text(text)


def _has_many(parent: Job) -> bool:
    """Whether a job's result is the list of its items' results."""
    return not parent.reduce and parent.total != 1
