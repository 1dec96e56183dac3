"""Requests that may be sent again: the same Idempotency-Key makes the same thing but once."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from hive_site.kernel.errors import Unprocessable
from ota.models import Answered

#: Nobody sends a request again after so long.
KEPT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Once:
    """A caller's Idempotency-Key, and the SHA-256 of what it was sent with."""

    key: str
    fingerprint: str
    caller: str


def make_once(once: Once | None, make: Callable[[], str]) -> tuple[str, bool]:
    """What `make` calls what it made, or what this key made before; with True if it did.

    Nothing is remembered if `make` raises. Raises `Unprocessable` if the key came with another
    request.
    """
    if once is None:
        return make(), False
    if earlier := _find_earlier(once):
        return earlier, True
    try:
        with transaction.atomic():
            row = _reserve(once)
            Answered.objects.filter(pk=row.pk).update(made=(made := make()))
            return made, False
    except IntegrityError:
        # the same request arrived a moment earlier
        earlier = _find_earlier(once)
        if not earlier:
            raise
        return earlier, True


def _reserve(once: Once) -> Answered:
    Answered.objects.filter(created_at__lt=timezone.now() - KEPT).delete()
    return Answered.objects.create(
        caller=once.caller[:150], key=once.key, fingerprint=once.fingerprint
    )


def _find_earlier(once: Once) -> str:
    row = Answered.objects.filter(caller=once.caller[:150], key=once.key).first()
    if row and row.fingerprint != once.fingerprint:
        raise Unprocessable(f"the key {once.key!r} came with another request; take a new one")
    return row.made if row else ""
