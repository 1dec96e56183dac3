"""What a batch of reports means: which attempts ended, how, and which came back untouched.

Only attempts in flight on the node that reports them count; everything else is late, doubled or
forged, and is counted and dropped. Nothing that a node says can raise here.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NoReturn

from jobs.domain.backlog import Ready
from jobs.domain.flight import Flight, Sent
from jobs.domain.states import Outcome

KINDS = {
    "fail": Outcome.FAILED,
    "timeout": Outcome.TIMEOUT,
    "cancelled": Outcome.CANCELLED,
    "crashed": Outcome.CRASHED,
}
#: What reading raises if a node does not keep to the protocol.
MALFORMED = (TypeError, ValueError, KeyError, AttributeError, OverflowError, RecursionError)
#: A task may put its next try off for so long.
LONGEST_REST_SECONDS = 365 * 24 * 3600.0
#: The end of the year 9999 in Unix seconds; no database keeps a later time.
LAST_SECOND = 253_402_300_799.0


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

    def add(self, ending: Ending) -> bool:
        """Take an ending in; False if this batch has one for the attempt already."""
        if ending.attempt in self._seen:
            self.dropped += 1
            return False
        self._seen.add(ending.attempt)
        self.endings.append(ending)
        return True

    def give_back(self, attempts: Iterable[int]) -> None:
        """These attempts were never started."""
        for attempt in attempts:
            if attempt not in self._seen:
                self._seen.add(attempt)
                self.returned.append(attempt)


def read_report(body: dict[str, Any], node: str, flight: Flight, batch: Batch) -> None:
    """Add what one verified report says. What makes no sense is dropped and counted."""
    took: list[float] = []
    for row in _rows(body, "ok", batch):
        try:
            took += _read_success(row, node, flight, batch)
        except MALFORMED:
            batch.dropped += 1
    if took:
        batch.paces.append((batch.endings[-1].job, sum(took) / len(took)))
    for event in _rows(body, "events", batch):
        try:
            _read_event(event, body, node, flight, batch)
        except MALFORMED:
            batch.dropped += 1


def count_events(body: dict[str, Any]) -> int:
    """How many events a report holds."""
    return len(_rows(body, "ok")) + len(_rows(body, "events"))


def _rows(body: dict[str, Any], name: str, batch: Batch | None = None) -> list[Any]:
    rows = body.get(name) or []
    if isinstance(rows, list):
        return rows
    if batch:
        batch.dropped += 1
    return []


def _read_success(row: Any, node: str, flight: Flight, batch: Batch) -> list[float]:
    """How many seconds the item took, if it counts."""
    attempt, started, ended, result = row
    found = flight.find(attempt, node)
    if found is None:
        batch.dropped += 1
        return []
    sent, ready = found
    begun, over = _time(started), _time(ended)
    _check_result(result)
    ending = Ending(attempt, ready, sent.job, node, Outcome.SUCCEEDED, begun, over, result)
    return [max(over - begun, 0.0)] if batch.add(ending) else []


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
                started=_time(event["t0"]),
                ended=_time(event["t1"]),
                error=_error_text(event["e"]),
                final=bool(event.get("final")),
                after=_rest(event.get("after")),
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


def _time(value: Any) -> float:
    """A time in Unix seconds. Raises `ValueError` for what is none."""
    seconds = float(value)
    if not 0 <= seconds <= LAST_SECOND:
        raise ValueError(f"{value} is no time")
    return seconds


def _rest(value: Any) -> float | None:
    """How long a task wants to be left alone, within reason."""
    # In this order, because `max` and `min` keep their first argument if the other is NaN.
    return None if value is None else min(LONGEST_REST_SECONDS, max(0.0, float(value)))


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


_decoder = json.JSONDecoder(parse_constant=_refuse)


def _check_result(text: Any) -> None:
    """Raises unless the text is JSON. It is quoted as it is in bundles that we sign, and a
    node must not get more said there than a value."""
    text.encode()  # a lone surrogate would poison the whole transaction
    _decoder.decode(text)


def _error_text(facts: dict[str, Any]) -> str:
    fields = {name: str(facts[name])[:20_000] for name in ("type", "message", "traceback")}
    text = json.dumps(fields, ensure_ascii=False)
    return text.encode("utf-8", "replace").decode()
