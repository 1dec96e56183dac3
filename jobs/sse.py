"""Server-sent events: the lines of `text/event-stream` (HTML Living Standard, 9.2)."""

from collections.abc import Iterable

from jobs.domain.following import Kind, Record

NAMES = {Kind.LOG: "log", Kind.PARTIAL: "partial", Kind.RESULT: "result"}
RETRY_MS = 1000
#: How a stream begins: how soon to come back when it breaks.
HELLO = f"retry: {RETRY_MS}\n\n".encode()
KEEP_ALIVE = b": still here\n\n"


def event(name: str, data: str, place: object) -> bytes:
    """One event. `data` is JSON text; `place` is what a reader comes back with."""
    return f"event: {name}\nid: {place}\ndata: {one_line(data)}\n\n".encode()


def render(records: Iterable[Record]) -> bytes:
    """The events of these records."""
    return b"".join(event(NAMES[each.kind], each.data, each.position) for each in records)


def one_line(text: str) -> str:
    """The same JSON on one line. Within its strings there are no ends of lines."""
    return text.replace("\n", " ").replace("\r", " ")
