"""JSON texts as pages show them: indented, cut where they are long, never fetched when large."""

import json
from dataclasses import dataclass

from jobs.domain.references import MARK, read_reference

SHOWN_CHARS = 4_000
ONE_LINE_CHARS = 90


@dataclass(frozen=True, slots=True)
class Preview:
    """The beginning of a value. `blob`: where the whole of a large one lies; `size` in bytes."""

    text: str
    cut: bool = False
    blob: str = ""
    size: int = 0


def preview(text: str | None, *, most: int = SHOWN_CHARS) -> Preview | None:
    """What to show of a column that holds JSON or a reference; None of none."""
    if text is None:
        return None
    if reference := read_reference(text):
        return Preview("", True, reference.sha256, reference.size)
    if text.startswith(MARK):
        return Preview("a list with parts that are stored elsewhere", True)
    if len(text) > most:
        return Preview(text[:most], True)
    shown = _indent(text)
    return Preview(shown[:most], len(shown) > most)


def _indent(text: str) -> str:
    if len(text) <= ONE_LINE_CHARS:
        return text
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:  # a number of more digits than Python reads
        return text
