"""Checks of items. What is wrong with an item does not get better by trying again."""

from typing import Any

from jobs.outcomes import Fail


def number(item: Any, *, what: str, most: float) -> float:
    """The item as a number from 0 to `most`; fails the subtask for good otherwise."""
    if isinstance(item, bool) or not isinstance(item, int | float) or not 0 <= item <= most:
        raise Fail(f"{what} is {item!r}; give a number from 0 to {most:g}")
    return item


def whole(item: Any, *, what: str, most: int) -> int:
    """The item as a whole number from 0 to `most`; fails the subtask for good otherwise."""
    if int(number(item, what=what, most=most)) != item:
        raise Fail(f"{what} is {item!r}; give a whole number")
    return int(item)


def string(item: Any, *, what: str) -> str:
    """The item as text; fails the subtask for good otherwise."""
    if not isinstance(item, str):
        raise Fail(f"{what} is {type(item).__name__}; give text")
    return item
