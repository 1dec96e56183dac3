"""Fields of a table of settings: how each is read, what is allowed, and what is wrong with it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hive_site.kernel.errors import Invalid
from nodes.domain.labels import flaw_of

#: A field that has no default.
REQUIRED: Any = object()
MAX_TEXT_CHARS = 500


@dataclass(frozen=True, slots=True)
class Field:
    """One setting. `takes` says whether a value will do, `rule` tells people what does."""

    takes: Callable[[Any], bool]
    rule: str
    default: Any = REQUIRED


def whole(low: int, high: int, default: Any = REQUIRED) -> Field:
    """A whole number."""

    def takes(value: Any) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high

    return Field(takes, f"give a whole number, {low} to {high}", default)


def number(low: float, high: float, default: Any = REQUIRED) -> Field:
    """Any number."""

    def takes(value: Any) -> bool:
        right = isinstance(value, int | float) and not isinstance(value, bool)
        return right and low <= value <= high

    return Field(takes, f"give a number, {low:g} to {high:g}", default)


def text(default: Any = REQUIRED, *, pattern: str = r"[^\x00\n]+", rule: str = "") -> Field:
    """A line of text."""

    def takes(value: Any) -> bool:
        right = isinstance(value, str) and len(value) <= MAX_TEXT_CHARS
        return right and bool(re.fullmatch(pattern, value))

    return Field(takes, rule or f"give a text of 1 to {MAX_TEXT_CHARS} characters", default)


def words(default: Any = REQUIRED, *, at_least: int = 0) -> Field:
    """A list of texts."""

    def takes(value: Any) -> bool:
        right = isinstance(value, list) and len(value) >= at_least
        return right and all(isinstance(word, str) and word for word in value)

    some = "a list of texts" if at_least == 0 else 'a list of texts, like ["prog", "argument"]'
    return Field(takes, f"give {some}", default)


def labels(default: Any = REQUIRED) -> Field:
    """A table of names and texts, as nodes have them."""
    return Field(lambda value: not flaw_of(value), "give a table of names and texts", default)


def variables(default: Any = REQUIRED) -> Field:
    """A table of environment variables."""

    def takes(value: Any) -> bool:
        return isinstance(value, dict) and all(
            re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) and isinstance(text, str)
            for name, text in value.items()
        )

    return Field(takes, "give a table of names and texts", default)


def one_of(*choices: str) -> Field:
    """One of some words."""
    return Field(lambda value: value in choices, f"give one of {', '.join(choices)}")


def read_table(table: Any, fields: Mapping[str, Field], *, at: str) -> dict[str, Any]:
    """All fields of a table, with defaults. Raises `Invalid` that names the field by its path."""
    if not isinstance(table, dict):
        raise Invalid(f"{at} = {table!r}: give a table, [{at}]", field=at)
    for name in table:
        if name not in fields:
            known = ", ".join(fields) or "nothing"
            raise Invalid(f"{at}.{name}: there is no such setting; there is {known}", field=at)
    return {name: _read(table, name, field, at) for name, field in fields.items()}


def _read(table: Mapping[str, Any], name: str, field: Field, at: str) -> Any:
    path = f"{at}.{name}"
    if name not in table:
        if field.default is REQUIRED:
            raise Invalid(f"{path} is missing; {field.rule}", field=path)
        return field.default
    if not field.takes(table[name]):
        raise Invalid(f"{path} = {table[name]!r}: {field.rule}", field=path)
    return table[name]
