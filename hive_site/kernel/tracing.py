"""Spans of what happens to a job, for who collects them. Off unless armed, and then free.

A trace travels as W3C `traceparent` text: in the job's row, in bundles, in reports. Whatever has
none is not traced, so that one decision at the submission holds for all that follows.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol

#: Version, trace, span, flags. Longer ones of later versions are cut to this.
FORM = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_caller: ContextVar[str] = ContextVar("hive_caller", default="")


class Span(Protocol):
    """Something that takes time. It is told when it ends; one that never ends is never told."""

    @property
    def traceparent(self) -> str:
        """What its children name as their parent; empty if nobody wants them."""

    def end(self, *, at: float | None = None, error: str = "", **facts: Any) -> None:
        """It is over, at a time in Unix seconds or now; with an `error` it went wrong."""


class Tracer(Protocol):
    """Whoever makes spans."""

    def begin(self, name: str, *, parent: str, at: float | None, facts: dict[str, Any]) -> Span:
        """A span that begins `at` a time in Unix seconds, or now."""

    def close(self) -> None:
        """Tell what was not told yet; nothing is told afterwards."""


_open: Callable[[], Tracer] | None = None
_tracer: Tracer | None = None


def arm(open_tracer: Callable[[], Tracer] | None) -> None:
    """From now on spans are told by what this makes, as soon as there is one; None: no more."""
    global _open, _tracer
    _open, _tracer = open_tracer, None


def open_early() -> None:
    """Open the tracer now, if there is to be one: later somebody would wait for it."""
    if _open is not None:
        _find_tracer(_open)


def is_on() -> bool:
    """Whether anybody wants spans."""
    return _open is not None


def begin(name: str, *, parent: str, at: float | None = None, **facts: Any) -> Span | None:
    """A span below `parent`; None if nobody wants it."""
    if not parent or _open is None or not is_traceparent(parent):
        return None
    return _find_tracer(_open).begin(name, parent=parent, at=at, facts=facts)


def begin_trace(name: str, **facts: Any) -> Span | None:
    """The first span of something, below whatever its caller traces; None if nobody wants it."""
    if _open is None:
        return None
    return _find_tracer(_open).begin(name, parent=_caller.get(), at=None, facts=facts)


def tell(name: str, *, parent: str, begun: float, ended: float, **facts: Any) -> None:
    """A span that is over. `error` says that it went wrong."""
    error = str(facts.pop("error", ""))
    if span := begin(name, parent=parent, at=begun, **facts):
        span.end(at=ended, error=error)


@contextmanager
def called_by(traceparent: str) -> Iterator[None]:
    """Meanwhile what begins is below this span of somebody else's, if it is one."""
    if _open is None or not is_traceparent(traceparent):
        yield
        return
    token = _caller.set(traceparent)
    try:
        yield
    finally:
        _caller.reset(token)


def is_traceparent(value: Any) -> bool:
    """Whether that is the name of a span."""
    return isinstance(value, str) and FORM.fullmatch(value) is not None


def close() -> None:
    """Tell what was not told yet. At the end of a process."""
    global _tracer
    if _tracer is not None:
        _tracer.close()
        _tracer = None


def _find_tracer(open_tracer: Callable[[], Tracer]) -> Tracer:
    # Not when it is armed: threads of an exporter do not survive a fork.
    global _tracer
    if _tracer is None:
        _tracer = open_tracer()
    return _tracer
