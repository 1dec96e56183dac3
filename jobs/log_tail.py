"""The newest of what the subtasks of a job said."""

from dataclasses import dataclass
from typing import Any

from jobs.models import Job, LogChunk

MOST_CHUNKS = 200
Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Tail:
    """Pieces of logs in the order in which they were recorded; `more`: there are older ones.

    `end` is the place behind which the next ones will be.
    """

    chunks: list[LogChunk]
    more: bool
    end: Place


def read_tail(job: Job, *, index: int | None = None, after: Place | None = None) -> Tail:
    """The last pieces of a job's log, or those behind a place; of one subtask if one is named."""
    rows = LogChunk.objects.filter(job_id=job.pk).select_related("subtask").defer("subtask__item")
    rows = rows.defer("subtask__result", "subtask__item", "subtask__error")
    if index is not None:
        rows = rows.filter(subtask__index=index)
    if after is not None:
        # Whatever a transaction recorded is there at once, so its number alone would do.
        rows = rows.filter(seq__gte=after[0]).exclude(seq=after[0], id__lte=after[1])
    found = list(rows.order_by("-seq", "-id")[: MOST_CHUNKS + 1])
    chunks = found[:MOST_CHUNKS][::-1]
    end = (chunks[-1].seq, chunks[-1].pk) if chunks else after or (0, 0)
    return Tail(chunks, len(found) > MOST_CHUNKS, end)


def read_place(text: Any) -> Place | None:
    """A place from its text, as in "12.345"; None for what is none."""
    seq, _, pk = str(text or "").partition(".")
    plain = all(part.isascii() and part.isdecimal() and len(part) <= 18 for part in (seq, pk))
    return (int(seq), int(pk)) if plain else None
