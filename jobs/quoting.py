"""What parents gave, as JSON text, for those who quote it; and how much of it one job may take."""

import json
from collections.abc import Callable, Iterable
from typing import TypeVar

from django.db.models import QuerySet, Sum
from django.db.models.functions import Length

from hive_site.kernel.errors import NotFound
from jobs import blobs
from jobs.domain.graph import Bond
from jobs.domain.quotes import ALL, Reference
from jobs.domain.references import read_reference as read_stored
from jobs.domain.states import Kept, Role, SubtaskState
from jobs.models import Job, Subtask
from jobs.validation import MAX_ITEMS

#: What one job may take of its parents, as JSON text: as much as a submission may hold.
MAX_CHARS = 32 * 1024 * 1024
#: What is kept of parents, at most, until somebody else quotes them.
SHELF_CHARS = 2 * MAX_CHARS

T = TypeVar("T", str, list[str])


class BadInput(Exception):
    """What the parents gave cannot be the input of the job."""


class NoList(ValueError):
    """Items were to be a list, and are not."""


#: What an input may be refused for: it would be so again, however often it is read.
REFUSALS = (BadInput, NotFound, ValueError)


class Shelf:
    """Results of parents, each read once for all who quote it."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, Reference], object] = {}
        self._chars = 0

    def text(self, parent: str, kind: str) -> str:
        """What a job gave, as JSON text: its result, or the list of all. Raises `REFUSALS`."""
        return self._once("text", Reference(kind, parent), _read_text)

    def items(self, parent: str, kind: str) -> list[str]:
        """The list that a job gave, element by element. Raises `REFUSALS`."""
        return self._once("items", Reference(kind, parent), _read_items)

    def _once(self, form: str, wanted: Reference, read: Callable[[str, str], T]) -> T:
        key = form, wanted
        if key not in self._known:
            self._keep(key, _outcome(read, wanted))
        found = self._known[key]
        if isinstance(found, Exception):
            raise found.with_traceback(None)
        return found  # type: ignore[return-value]

    def _keep(self, key: tuple[str, Reference], found: object) -> None:
        chars = 0 if isinstance(found, Exception) else _count(found)
        if self._chars + chars > SHELF_CHARS:
            self._known.clear()
            self._chars = 0
        self._known[key] = found
        self._chars += chars


class Quotes:
    """What one job quotes of its parents, within what one job may take."""

    def __init__(self, bonds: Iterable[Bond], shelf: Shelf) -> None:
        self._bonds = {bond.parent: bond for bond in bonds}
        self._bonds |= {bond.name: bond for bond in self._bonds.values() if bond.name}
        self._shelf = shelf
        self._left = MAX_CHARS

    def text(self, reference: Reference) -> str:
        """What a reference stands for, as JSON text. Raises `BadInput` once it is too much."""
        text = self._shelf.text(self._bonds[reference.name].parent, reference.kind)
        self._spend(len(text))
        return text

    def items(self, reference: Reference) -> list[str]:
        """The list that a reference stands for, element by element. Raises `BadInput`."""
        bond = self._bonds[reference.name]
        try:
            items = self._shelf.items(bond.parent, reference.kind)
        except NoList as fact:
            raise BadInput(f"{bond.label} gave {fact}; items take a list") from None
        if len(items) > MAX_ITEMS:
            raise BadInput(f"{bond.label} gave {len(items):,} items; one job takes {MAX_ITEMS:,}")
        self._spend(_count(items))
        return items

    def _spend(self, chars: int) -> None:
        self._left -= chars
        if self._left < 0:
            raise _too_long()


def _too_long() -> BadInput:
    return BadInput(
        f"its input would be longer than {MAX_CHARS:,} characters;"
        ' quote less, or let the parent\'s list be its items: {"$result": name}'
    )


def _count(found: object) -> int:
    return len(found) if isinstance(found, str) else sum(map(len, found))  # type: ignore[call-overload]


def _outcome(read: Callable[[str, str], T], wanted: Reference) -> T | Exception:
    """What reading gives: a refusal too is found once for all."""
    try:
        return read(wanted.name, wanted.kind)
    except REFUSALS as fact:
        return fact


def _read_text(parent: str, kind: str) -> str:
    job = _find(parent)
    if job and not _gives_list(job, kind):
        return _value_text(job.result)
    return f"[{','.join(_results(job))}]"


def _read_items(parent: str, kind: str) -> list[str]:
    job = _find(parent)
    if job and not _gives_list(job, kind):
        return _elements(_value_text(job.result))
    return _results(job)


def _find(parent: str) -> Job | None:
    job = Job.objects.only("total", "reduce", "result", "kept").filter(pk=parent).first()
    if job and job.kept != Kept.ALL:
        raise BadInput(f"the results of {parent} were deleted (HIVE_RESULT_TTL); submit it again")
    return job


def _gives_list(job: Job, kind: str) -> bool:
    """Whether what is wanted of a job is the list of its items' results."""
    return kind == ALL or (not job.reduce and job.total != 1)


def _elements(text: str) -> list[str]:
    value = json.loads(text)
    if not isinstance(value, list):
        kinds = {dict: "an object", str: "a text", type(None): "null"}
        raise NoList(kinds.get(type(value), "a value"))
    # ASCII, so that half of a surrogate pair stays the escape that it came as.
    return [json.dumps(element, separators=(",", ":")) for element in value]


def _results(job: Job | None) -> list[str]:
    """The results of all items that succeeded, in order, as a reduction gets them."""
    if job is None:
        return []
    rows: QuerySet[Subtask] = Subtask.objects.filter(
        job=job, role=Role.MAP, state=SubtaskState.SUCCEEDED
    )
    # Before they are read: there may be a hundred thousand of them.
    chars = rows.aggregate(n=Sum(Length("result")))["n"] or 0
    texts: list[str] = []
    for text in rows.order_by("index").values_list("result", flat=True):
        # Of what is stored elsewhere, only the reference was counted.
        reference = read_stored(text)
        chars += reference.size if reference else 0
        if chars > MAX_CHARS:
            raise _too_long()
        texts.append(_value_text(text))
    return texts


def _value_text(text: str | None) -> str:
    """A stored result as JSON text; null if there is none. Raises `NotFound` if it is lost."""
    return blobs.whole(text) or "null"
