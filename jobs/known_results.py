"""Subtasks that end without being sent: their result is in the cache, or just came in."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from jobs import blobs
from jobs.domain.backlog import Line, Ready
from jobs.domain.batch import Ending
from jobs.domain.cache import FROM_CACHE
from jobs.domain.references import is_reference
from jobs.domain.states import Outcome
from jobs.memory import Memory

#: A transaction should end no more than this, or readers wait for it.
KNOWN_AT_ONCE = 1000


def look_up(
    line: Line, chunk: Sequence[tuple[Ready, str | None]], memory: Memory, now: datetime
) -> tuple[list[Ending], list[Ready]]:
    """The endings of a line's subtasks whose results are known, and those that must run."""
    unread = [ready.key for ready, result in chunk if result is None]
    found = memory.cache.find(line.order, unread) if unread else {}
    results = [(ready, found.get(ready.key) if text is None else text) for ready, text in chunk]
    large = {text for _, text in results if text and is_reference(text)}
    lost = blobs.claim(large, now) if large else set()
    missing = [ready for ready, text in results if text is None or text in lost]
    for ready in missing:
        memory.flight.twins.forget(ready.key)
    if lost:
        memory.cache.drop(ready.key for ready in missing)
    endings = [
        _ending(line, ready, text, now)
        for ready, text in results
        if text is not None and text not in lost
    ]
    return endings, missing


def _ending(line: Line, ready: Ready, result: str, now: datetime) -> Ending:
    """No attempt was made: it has none, and its number is that of the last there was."""
    return Ending(
        attempt=0,
        ready=replace(ready, number=ready.number - 1),
        job=line.order.job,
        node="",
        outcome=Outcome.SUCCEEDED,
        ended=now.timestamp(),
        result=result,
        placed=FROM_CACHE,
    )


def worth_keeping(accepted: Sequence[Ending], memory: Memory) -> list[tuple[Ending, float]]:
    """Of results just recorded, those that other jobs may use, each with for how many seconds."""
    computed = [ending for ending in accepted if ending.ready.key and ending.attempt]
    lines = ((ending, memory.backlog.get(ending.job)) for ending in computed)
    return [
        (ending, line.order.cache_for)
        for ending, line in lines
        if line and ending.outcome is Outcome.SUCCEEDED
    ]
