"""Checks of items. What is wrong with an item does not get better by trying again."""

from typing import Any

from jobs.outcomes import Fail

SHOWN_CHARS = 100


def number(item: Any, *, what: str, most: float) -> float:
    """The item as a number from 0 to `most`; fails the subtask for good otherwise."""
    if isinstance(item, bool) or not isinstance(item, int | float) or not 0 <= item <= most:
        raise Fail(f"{what} is {_shown(item)}; give a number from 0 to {most:g}")
    return item


def whole(item: Any, *, what: str, most: int, least: int = 0) -> int:
    """The item as a whole number in bounds; fails the subtask for good otherwise."""
    if int(number(item, what=what, most=most)) != item or item < least:
        raise Fail(f"{what} is {_shown(item)}; give a whole number from {least} to {most}")
    return int(item)


def string(item: Any, *, what: str) -> str:
    """The item as text; fails the subtask for good otherwise."""
    if not isinstance(item, str):
        raise Fail(f"{what} is {_shown(item)}; give text")
    return item


def _shown(item: Any) -> str:
    text = repr(item)
    return text if len(text) <= SHOWN_CHARS else f"{text[:SHOWN_CHARS]}…"
