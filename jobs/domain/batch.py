"""What a batch of reports means: which attempts ended, how, and which came back untouched.

Only attempts in flight on the node that reports them count; everything else is late, doubled or
forged, and is counted and dropped.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from jobs.domain.backlog import Ready
from jobs.domain.flight import Flight, Sent
from jobs.domain.states import Outcome

KINDS = {
    "fail": Outcome.FAILED,
    "timeout": Outcome.TIMEOUT,
    "cancelled": Outcome.CANCELLED,
    "crashed": Outcome.CRASHED,
}


@dataclass(frozen=True, slots=True)
class Ending:
    """How one attempt ended. `result` and `error` are JSON text; times are Unix seconds."""

    attempt: int
    ready: Ready
    job: str
    node: str
    outcome: Outcome
    started: float | None = None
    ended: float | None = None
    result: str | None = None
    error: str | None = None
    final: bool = False
    after: float | None = None


@dataclass(slots=True)
class Batch:
    """Everything that one recording transaction is about."""

    endings: list[Ending] = field(default_factory=list)
    returned: list[int] = field(default_factory=list)
    paces: list[tuple[str, float]] = field(default_factory=list)
    dropped: int = 0
    _seen: set[int] = field(default_factory=set)

    def add(self, ending: Ending) -> None:
        """Take an ending in, unless this batch has one for the attempt already."""
        if ending.attempt in self._seen:
            self.dropped += 1
            return
        self._seen.add(ending.attempt)
        self.endings.append(ending)

    def give_back(self, attempts: Iterable[int]) -> None:
        """These attempts were never started."""
        for attempt in attempts:
            if attempt not in self._seen:
                self._seen.add(attempt)
                self.returned.append(attempt)


def read_report(body: dict[str, Any], node: str, flight: Flight, batch: Batch) -> None:
    """Add what one verified report says. What makes no sense is dropped and counted."""
    oks = body.get("ok") or []
    took = 0.0
    for row in oks:
        try:
            took += _read_success(row, node, flight, batch)
        except (TypeError, ValueError, OverflowError):
            batch.dropped += 1
    if oks:
        batch.paces.append((str(body.get("job")), took / len(oks)))
    for event in body.get("events") or []:
        try:
            _read_event(event, body, node, flight, batch)
        except (TypeError, ValueError, KeyError, OverflowError):
            batch.dropped += 1


def _read_success(row: Any, node: str, flight: Flight, batch: Batch) -> float:
    attempt, started, ended, result = row
    found = flight.find(attempt, node)
    if found is None:
        batch.dropped += 1
        return 0.0
    sent, ready = found
    result.encode()  # a lone surrogate would poison the whole transaction
    if "\0" in result:
        raise ValueError("NUL in a result")
    batch.add(
        Ending(
            attempt, ready, sent.job, node, Outcome.SUCCEEDED, float(started), float(ended), result
        )
    )
    return max(float(ended) - float(started), 0.0)


def _read_event(
    event: dict[str, Any], body: dict[str, Any], node: str, flight: Flight, batch: Batch
) -> None:
    kind = event["k"]
    if kind == "back":
        sent = flight.bundle(str(body.get("bundle")))
        mine = set(sent.open) if sent and sent.node == node else set()
        batch.give_back(mine if event.get("all") else mine & set(event["attempts"]))
    elif kind == "died":
        _read_death(event, body, node, flight, batch)
    elif (found := flight.find(event["a"], node)) is not None:
        sent, ready = found
        batch.add(
            Ending(
                attempt=event["a"],
                ready=ready,
                job=sent.job,
                node=node,
                outcome=KINDS[kind],
                started=float(event["t0"]),
                ended=float(event["t1"]),
                error=_error_text(event["e"]),
                final=bool(event.get("final")),
                after=None if event.get("after") is None else max(float(event["after"]), 0.0),
            )
        )
    else:
        batch.dropped += 1


def _read_death(
    event: dict[str, Any], body: dict[str, Any], node: str, flight: Flight, batch: Batch
) -> None:
    """A slot died: its running attempt ended so, the rest of its bundle is untouched."""
    sent = flight.bundle(str(body.get("bundle")))
    if sent is None or sent.node != node:
        batch.dropped += 1
        return
    attempt, why = event["a"], str(event["why"])
    if attempt in sent.open:
        message = f"its process ended with {event['how']}" if why == "crashed" else str(why)
        facts = {"type": why, "message": message, "traceback": ""}
        outcome = KINDS.get(why, Outcome.CRASHED)
        batch.add(
            Ending(attempt, sent.open[attempt], sent.job, node, outcome, error=_error_text(facts))
        )
    batch.give_back(other for other in sent.open if other != attempt)


def lose(sent: Sent, *, untouched: bool, reason: str, batch: Batch) -> None:
    """A bundle is lost with its node. Its first open item may have been running."""
    attempts = sorted(sent.open)
    if not untouched and attempts:
        facts = {"type": "lost", "message": f"node {sent.node}: {reason}", "traceback": ""}
        first = attempts.pop(0)
        batch.add(
            Ending(
                first,
                sent.open[first],
                sent.job,
                sent.node,
                Outcome.LOST,
                error=_error_text(facts),
            )
        )
    batch.give_back(attempts)


def _error_text(facts: dict[str, Any]) -> str:
    fields = {name: str(facts[name])[:20_000] for name in ("type", "message", "traceback")}
    text = json.dumps(fields, ensure_ascii=False)
    return text.encode("utf-8", "replace").decode()
