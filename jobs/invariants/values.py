"""What a row refers to must lie in the storage, as a whole."""

from collections.abc import Iterator
from functools import cache
from itertools import islice

from django.db.models import Model

from jobs.blobs import place, storage
from jobs.domain.references import Reference, read_reference
from jobs.invariants.violation import LISTED, Violation
from jobs.models import Blob
from jobs.retention import referring


def check_values() -> list[Violation]:
    """References to values that are not stored, or not whole; none at any instant."""
    return list(islice(_broken(), LISTED))


def _broken() -> Iterator[Violation]:
    look = cache(_what_is_wrong)
    for row, column in referring():
        text = getattr(row, column)
        reference = read_reference(text)
        # A list with some references in it is made of results, which have rows of their own.
        if reference and (wrong := look(reference)) and _still_refers(row, column, text):
            yield Violation("I15", f"{column} of {row}", wrong)


def _still_refers(row: Model, column: str, text: str) -> bool:
    """Retention deletes a row, and then what only that referred to."""
    return type(row)._base_manager.filter(pk=row.pk, **{column: text}).exists()


def _what_is_wrong(reference: Reference) -> str:
    """Empty if the value is there."""
    refers = f"refers to {reference}"
    if not Blob.objects.filter(pk=reference.sha256, size=reference.size).exists():
        return f"{refers}, of which no row tells"
    try:
        size = storage().size(place(reference.sha256))
    except FileNotFoundError:
        return f"{refers}, which is not stored"
    return "" if size == reference.size else f"{refers}, of which {size} bytes are left"
