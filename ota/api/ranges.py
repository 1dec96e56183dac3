"""Which part of a file a request is about (RFC 9110, sections 13 and 14)."""

import re
from dataclasses import dataclass

from django.utils.http import parse_etags

#: Several ranges at once are answered with the whole, as the RFC allows.
RANGE = re.compile(r"bytes=\s*([0-9]{0,18})-([0-9]{0,18})\s*", re.IGNORECASE)


class Unsatisfiable(Exception):
    """No byte of the file is in that range."""


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes of a file, from the first to behind the last."""

    start: int
    end: int

    @property
    def length(self) -> int:
        """How many."""
        return self.end - self.start

    def of(self, size: int) -> str:
        """The header Content-Range."""
        return f"bytes {self.start}-{self.end - 1}/{size}"


def read_range(header: str | None, size: int) -> Span | None:
    """The part that is asked for; None for the whole. Raises `Unsatisfiable`."""
    found = RANGE.fullmatch(header or "")
    if not found or found.groups() == ("", ""):
        return None
    first, last = found.groups()
    if not first:
        return _tail(int(last), size)
    start = int(first)
    if last and int(last) < start:
        return None  # makes no sense, and is to be ignored then
    if start >= size:
        raise Unsatisfiable
    return Span(start, min(int(last) + 1, size) if last else size)


def _tail(length: int, size: int) -> Span:
    if not (length and size):
        raise Unsatisfiable
    return Span(max(size - length, 0), size)


def is_known(if_none_match: str | None, etag: str) -> bool:
    """Whether the caller has these bytes already."""
    known = parse_etags(if_none_match or "")
    return known == ["*"] or etag in [each.removeprefix("W/") for each in known]


def is_same(if_range: str | None, etag: str) -> bool:
    """Whether a range may be taken of what is here: it is what the caller has the rest of."""
    return if_range is None or if_range.strip() == etag
