"""What goes from one process of pytest to another."""

from typing import Any


def speakable(value: Any) -> Any:
    """A report without halves of characters, which logs may hold and no pipe takes."""
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()
        case dict():
            return {speakable(key): speakable(each) for key, each in value.items()}
        case list() | tuple():
            return type(value)(speakable(each) for each in value)
        case _:
            return value
