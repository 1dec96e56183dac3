"""`{"$result": name}` inside of JSON: where it stands, and the text with something there."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

#: One result: of the reduction or only item; or else the list of all.
ONE = "$result"
#: Always the list of the results of all items.
ALL = "$results"
#: No text without this holds a reference.
MARK = '"$result'


class BadReference(ValueError):
    """Something looks like a reference and is none. `at` says where, with dots."""

    def __init__(self, detail: str, *, at: str) -> None:
        super().__init__(detail)
        self.at = at


@dataclass(frozen=True, slots=True)
class Reference:
    """The results of the parent `name`, wanted as `kind`."""

    kind: str
    name: str


def read_reference(value: Any, *, at: str = "") -> Reference | None:
    """The reference that this value is, or None. Raises `BadReference`."""
    if not isinstance(value, dict) or not (ONE in value or ALL in value):
        return None
    kind = ONE if ONE in value else ALL
    name = value[kind]
    if len(value) > 1:
        raise BadReference(f'{kind} stands alone, like {{"$result": "name"}}', at=at)
    if not isinstance(name, str):
        raise BadReference(f"give the name of a parent, not {name!r}", at=at)
    return Reference(kind, name)


def find_references(value: Any, *, at: str = "") -> Iterator[tuple[str, Reference]]:
    """Every reference inside of a JSON value, with where it stands. Raises `BadReference`."""
    if found := read_reference(value, at=at):
        yield at, found
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from find_references(part, at=f"{at}.{key}")
    elif isinstance(value, list | tuple):
        for index, part in enumerate(value):
            yield from find_references(part, at=f"{at}.{index}")


def splice(value: Any, quote: Callable[[Reference], str]) -> str:
    """The value as JSON text; where it has a reference, what `quote` says (JSON text)."""
    if found := read_reference(value):
        return quote(found)
    if isinstance(value, dict):
        parts = (f"{json.dumps(key)}:{splice(part, quote)}" for key, part in value.items())
        return f"{{{','.join(parts)}}}"
    if isinstance(value, list):
        return f"[{','.join(splice(part, quote) for part in value)}]"
    return json.dumps(value)
