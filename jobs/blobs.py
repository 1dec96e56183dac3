"""Keeps what is too large for a row: stored by content, read back where a value is shown.

The row comes first and the bytes after it, so that nothing is stored of which no row tells; and
whoever stores a text again makes its row young again, so that the sweep (jobs/retention.py)
passes it by.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import Storage, storages
from django.utils import timezone

from hive_site.kernel.errors import NotFound
from jobs.domain.references import (
    Reference,
    is_over,
    is_reference,
    join,
    read_reference,
    resolve,
)
from jobs.models import Blob

ALIAS = "hive_blobs"
CHUNK_BYTES = 256 * 1024


def storage() -> Storage:
    """Where the bytes lie."""
    return storages[ALIAS]


def place(sha256: str) -> str:
    """The name of a blob in its storage."""
    return f"{sha256[:2]}/{sha256}"


def keep(texts: Iterable[str]) -> list[str]:
    """The texts, with a reference in place of each that is longer than `HIVE_INLINE_KB`.

    Storing twice is fine. Raises `OSError` if the storage takes nothing.
    """
    found = list(texts)
    limit = settings.HIVE.inline_bytes
    large = {n: text.encode() for n, text in enumerate(found) if _is_large(text, limit)}
    for n, reference in zip(large, keep_all(list(large.values())), strict=True):
        found[n] = str(reference)
    return found


def _is_large(text: str, limit: int) -> bool:
    return is_over(text, limit) and not is_reference(text)


def keep_all(values: list[bytes]) -> list[Reference]:
    """References to these bytes, which are stored when this returns."""
    references = [Reference(hashlib.sha256(data).hexdigest(), len(data)) for data in values]
    if references:
        touch(references)
    shelf = storage()
    for reference, data in zip(references, values, strict=True):
        name = place(reference.sha256)
        if not shelf.exists(name):
            saved = shelf.save(name, ContentFile(data))
            if saved != name:  # another was faster, in a storage that renames
                shelf.delete(saved)
    return references


def touch(references: Iterable[Reference]) -> None:
    """Make sure that these have rows, and young ones."""
    now = timezone.now()
    rows = {r.sha256: Blob(r.sha256, r.size, now, now) for r in references}
    Blob.objects.bulk_create(
        [rows[name] for name in sorted(rows)],  # in one order, or two who do it block each other
        update_conflicts=True,
        unique_fields=["sha256"],
        update_fields=["last_used_at"],
    )


def claim(texts: Iterable[str], now: datetime) -> set[str]:
    """In the transaction that stores these references: those that refer to nothing.

    The sweep does not delete the others meanwhile.
    """
    wanted = {text: read_reference(text) for text in texts}
    rows = Blob.objects.filter(pk__in=[r.sha256 for r in wanted.values() if r])
    rows.update(last_used_at=now)
    sizes = dict(rows.values_list("sha256", "size"))
    return {t for t, r in wanted.items() if r is None or sizes.get(r.sha256) != r.size}


def keep_list(texts: Iterable[str]) -> str:
    """One text for the list of these values, some of which may be references."""
    text = join(texts)
    if is_over(text, settings.HIVE.inline_bytes):
        return str(keep_all([text.encode()])[0])
    return text


def read(reference: Reference) -> str:
    """The stored text. Raises `NotFound`."""
    return b"".join(read_chunks(reference.sha256)).decode()


def read_chunks(sha256: str) -> Iterator[bytes]:
    """The stored bytes, a piece at a time. Raises `NotFound` before the first."""
    try:
        file = storage().open(place(sha256))
    except FileNotFoundError:
        raise NotFound(f"no value with the SHA-256 {sha256} is stored here") from None
    return _pieces(file.chunks, CHUNK_BYTES, file.close)


def _pieces(
    chunks: Callable[[int], Iterator[bytes]], size: int, close: Callable[[], None]
) -> Iterator[bytes]:
    try:
        yield from chunks(size)
    finally:
        close()


def whole(text: str | None) -> str | None:
    """The JSON text that a column means, with what is stored elsewhere fetched.

    Raises `NotFound` if that is gone.
    """
    return resolve(text, read) if text and is_reference(text) else text
