"""From one root to the next: each is signed by the keys of the one before, and by its own."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tuf.api import exceptions
from tuf.api.metadata import Metadata, Root

from ota.domain.trust import Untrusted

#: What tuf says of a text, in our words. The first that fits counts.
CODES = (
    (exceptions.UnsignedMetadataError, "signature"),
    (exceptions.ExpiredMetadataError, "expired"),
    (exceptions.BadVersionNumberError, "rollback"),
    (exceptions.LengthOrHashMismatchError, "mismatch"),
    (exceptions.DownloadLengthMismatchError, "mismatch"),
    (exceptions.RepositoryError, "malformed"),
    (exceptions.DownloadError, "malformed"),
    (ValueError, "malformed"),
)
# It tells of every signature that a document lacks; we tell of it where too many are lacking.
logging.getLogger("tuf").setLevel(logging.WARNING)


@contextmanager
def judged() -> Iterator[None]:
    """Turns what tuf raises into `Untrusted`."""
    try:
        yield
    except tuple(kind for kind, _ in CODES) as fact:
        code = next(code for kind, code in CODES if isinstance(fact, kind))
        raise Untrusted(code, str(fact)) from None


def read_signed(kind: type, data: bytes) -> Metadata[Any]:
    """Metadata of a kind, not verified. Raises `Untrusted`."""
    with judged():
        found = Metadata.from_bytes(data)
    if not isinstance(found.signed, kind):
        raise Untrusted("malformed", f"these are {found.signed.type} metadata")
    return found


def read_root(data: bytes) -> Metadata[Root]:
    """A root that signed itself; whether to trust it is for others to say. Raises `Untrusted`."""
    root = read_signed(Root, data)
    verify(root, Root.type, root)
    return root


def follow(trusted: Metadata[Root], data: bytes) -> Metadata[Root]:
    """The next root. Raises `Untrusted` unless it comes right after the trusted one."""
    root = read_signed(Root, data)
    if root.signed.version != trusted.signed.version + 1:
        wanted = f"root {trusted.signed.version + 1} was to come"
        raise Untrusted("rollback", f"{wanted}, not {root.signed.version}")
    verify(trusted, Root.type, root)
    verify(root, Root.type, root)
    return root


def verify(delegator: Metadata[Any], role: str, document: Metadata[Any]) -> None:
    """Raises `Untrusted` unless enough keys of the role signed the document."""
    with judged():
        delegator.signed.verify_delegate(role, document.signed_bytes, document.signatures)
