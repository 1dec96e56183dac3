"""What is said over a live socket, as JSON texts. `docs/guide/live.md` tells the same in prose."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hive_site.live.domain.sheet import Difference

MOST_BYTES = 64 * 1024
MOST_TOPICS = 20
MOST_CHARS_OF_A_NAME = 200
RULE = 'send {"watch": {TOPIC: POSITION or null, …}}'


class Unclear(ValueError):
    """What a client sent is no command; its text says why."""


@dataclass(frozen=True, slots=True)
class Position:
    """Up to where somebody was told: a number within one feed."""

    feed: str
    seq: int

    def __str__(self) -> str:
        return f"{self.feed}:{self.seq}"


def read_position(text: Any) -> Position | None:
    """The position of this text; None for what is none, which asks for everything."""
    if not isinstance(text, str):
        return None
    feed, _, seq = text.rpartition(":")
    plain = seq.isascii() and seq.isdecimal() and len(seq) <= 18
    return Position(feed, int(seq)) if feed and plain else None


def read_command(text: str | None) -> dict[str, Position | None]:
    """What a client wants to watch from now on, and from where. Raises `Unclear`."""
    if text is None:
        raise Unclear(f"binary messages say nothing here; {RULE}")
    if len(text) > MOST_BYTES or len(text.encode()) > MOST_BYTES:
        raise Unclear(f"a message may have {MOST_BYTES} bytes")
    try:
        command = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unclear(f"this is no JSON; {RULE}") from error
    wanted = command.get("watch") if isinstance(command, dict) else None
    if not isinstance(wanted, dict) or len(command) != 1:
        raise Unclear(RULE)
    return {topic: read_position(wanted[topic]) for topic in check_topics(wanted)}


def check_topics(names: Any) -> list[str]:
    """The names of topics, each once. Raises `Unclear` for too many, or for no names."""
    topics = list(dict.fromkeys(names))
    if len(topics) > MOST_TOPICS:
        raise Unclear(f"{len(topics)} topics; watch at most {MOST_TOPICS}")
    if any(len(topic) > MOST_CHARS_OF_A_NAME for topic in topics):
        raise Unclear(f"a topic's name has at most {MOST_CHARS_OF_A_NAME} characters")
    if not all(topic.isprintable() for topic in topics):
        # Half a surrogate pair is JSON, and no text that could be sent or looked up.
        raise Unclear("a topic's name has printable characters only")
    return topics


def hello(user: str, topics: list[str]) -> str:
    """The first text: who is known, and what there is to watch."""
    return write({"hello": {"user": user, "topics": topics}})


def beat(*, at: float, age: float | None, fresh: bool) -> str:
    """That the socket lives, and how old the Foreman's picture is, in seconds."""
    rounded = None if age is None else round(age, 2)
    return write({"beat": {"at": round(at, 2), "age": rounded, "fresh": fresh}})


def refusal(detail: str) -> str:
    """What was not understood."""
    return write({"error": detail})


def not_found(topic: str, detail: str) -> str:
    """There is no such topic, or what it was about is gone."""
    return write({"topic": topic, "error": "not_found", "detail": detail})


def news(
    topic: str, position: Position, change: Difference, grid: Mapping[str, Any] | None = None
) -> str:
    """What changed of a topic up to a position."""
    body: dict[str, Any] = {"topic": topic, "position": str(position), "whole": change.whole}
    body |= {"set": change.set, "gone": change.gone}
    return write(body if grid is None else body | {"grid": grid})


def whole_grid(cells: bytes) -> dict[str, object]:
    """All bytes of a grid."""
    return {"whole": base64.b64encode(cells).decode()}


def changed_cells(cells: Mapping[int, int]) -> dict[str, object]:
    """Changed bytes of a grid: for each byte, the indexes that show it now."""
    found: dict[str, list[int]] = {}
    for index, byte in cells.items():
        found.setdefault(str(byte), []).append(index)
    return {"set": found}


def write(message: Mapping[str, Any]) -> str:
    """A message as JSON text, without spaces."""
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False)
