"""Large values by reference: where a JSON text would stand, `@<sha256>:<size>` stands instead.

A list of many values, some of them large, is `@` and a JSON list of texts: pieces of the list as
they are, and references. Neither is JSON, so neither can be taken for a value.
"""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

MARK = "@"
_FORM = re.compile(r"@([0-9a-f]{64}):([0-9]{1,15})")


@dataclass(frozen=True, slots=True)
class Reference:
    """A stored text, by the SHA-256 and the size of its bytes in UTF-8."""

    sha256: str
    size: int

    def __str__(self) -> str:
        return f"{MARK}{self.sha256}:{self.size}"


@dataclass(frozen=True, slots=True)
class Large:
    """A value that has not been fetched; its text is a reference, or a list with some."""

    text: str


def is_reference(text: str | None) -> bool:
    """Whether a column holds something else than JSON."""
    return text is not None and text.startswith(MARK)


def read_reference(text: str | None) -> Reference | None:
    """The reference that a text is, to the letter; None for anything else."""
    found = _FORM.fullmatch(text or "")
    return Reference(found[1], int(found[2])) if found else None


def is_over(text: str, limit: int) -> bool:
    """Whether a text has more bytes than `limit` in UTF-8."""
    if len(text) > limit:
        return True
    # Four bytes a character at most: most texts are too short to be counted.
    return len(text) * 4 > limit and not text.isascii() and len(text.encode()) > limit


def join(texts: Iterable[str]) -> str:
    """The list of values as one text, without fetching the large ones among them."""
    parts: list[str] = []
    run: list[str] = []
    for text in texts:
        if is_reference(text):
            parts += [",".join(run)] if run else []
            parts.append(text)
            run = []
        else:
            run.append(text)
    if not parts:
        return f"[{','.join(run)}]"
    parts += [",".join(run)] if run else []
    return MARK + json.dumps(parts, ensure_ascii=False)


def resolve(text: str, fetch: Callable[[Reference], str]) -> str:
    """The JSON text that is meant, with every reference fetched.

    Raises `ValueError` for what begins like a reference and is none, and what `fetch` raises.
    """
    if not is_reference(text):
        return text
    reference = read_reference(text)
    if reference:
        # A long list is stored as a whole, with the references that are in it.
        return resolve(fetch(reference), fetch)
    if not text.startswith(f"{MARK}["):
        raise ValueError(f"{text[:80]!r} is no reference")
    return f"[{','.join(resolve(part, fetch) for part in json.loads(text[1:]))}]"
