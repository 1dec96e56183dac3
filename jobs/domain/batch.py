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
    # Its agent was cut off and stopped what must not run twice.
    "fenced": Outcome.LOST,
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


@dataclass(frozen=True, slots=True)
class Speaker:
    """Whose report it is: one start of one node."""

    node: str
    incarnation: str


@dataclass(slots=True)
class Batch:
    """Everything that one recording transaction is about."""

    endings: list[Ending] = field(default_factory=list)
    #: Failures of attempts whose subtask another attempt still works on: noted, not counted.
    echoes: list[Ending] = field(default_factory=list)
    returned: list[int] = field(default_factory=list)
    #: Subtasks of returned attempts, filled in when the batch is committed.
    untouched: list[int] = field(default_factory=list)
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
    speaker = Speaker(node, str(body.get("incarnation")))
    oks = body.get("ok") or []
    took = 0.0
    for row in oks:
        try:
            took += _read_success(row, speaker, flight, batch)
        except (TypeError, ValueError, OverflowError):
            batch.dropped += 1
    if oks:
        batch.paces.append((str(body.get("job")), took / len(oks)))
    for event in body.get("events") or []:
        try:
            _read_event(event, body, speaker, flight, batch)
        except (TypeError, ValueError, KeyError, OverflowError):
            batch.dropped += 1


def _read_success(row: Any, speaker: Speaker, flight: Flight, batch: Batch) -> float:
    attempt, started, ended, result = row
    found = flight.find(attempt, speaker.node, speaker.incarnation)
    if found is None:
        batch.dropped += 1
        return 0.0
    sent, ready = found
    result.encode()  # a lone surrogate would poison the whole transaction
    if "\0" in result:
        raise ValueError("NUL in a result")
    batch.add(
        Ending(
            attempt,
            ready,
            sent.job,
            speaker.node,
            Outcome.SUCCEEDED,
            float(started),
            float(ended),
            result,
        )
    )
    return max(float(ended) - float(started), 0.0)


def _read_event(
    event: dict[str, Any], body: dict[str, Any], speaker: Speaker, flight: Flight, batch: Batch
) -> None:
    kind = event["k"]
    if kind == "back":
        sent = _bundle_of(body, speaker, flight)
        mine = set(sent.open) if sent else set()
        batch.give_back(mine if event.get("all") else mine & set(event["attempts"]))
    elif kind == "died":
        _read_death(event, body, speaker, flight, batch)
    elif (found := flight.find(event["a"], speaker.node, speaker.incarnation)) is not None:
        sent, ready = found
        batch.add(
            Ending(
                attempt=event["a"],
                ready=ready,
                job=sent.job,
                node=speaker.node,
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


def _bundle_of(body: dict[str, Any], speaker: Speaker, flight: Flight) -> Sent | None:
    """The bundle that a report is about, if it was sent to the one who reports."""
    sent = flight.bundle(str(body.get("bundle")))
    mine = sent and (sent.node, sent.incarnation) == (speaker.node, speaker.incarnation)
    return sent if mine else None


def _read_death(
    event: dict[str, Any], body: dict[str, Any], speaker: Speaker, flight: Flight, batch: Batch
) -> None:
    """A slot died: its running attempt ended so, the rest of its bundle is untouched."""
    sent = _bundle_of(body, speaker, flight)
    if sent is None:
        batch.dropped += 1
        return
    attempt, why = event["a"], str(event["why"])
    if attempt in sent.open:
        message = f"its process ended with {event['how']}" if why == "crashed" else str(why)
        facts = {"type": why, "message": message, "traceback": ""}
        outcome = KINDS.get(why, Outcome.CRASHED)
        batch.add(
            Ending(
                attempt,
                sent.open[attempt],
                sent.job,
                speaker.node,
                outcome,
                error=_error_text(facts),
            )
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


def doubtful(ready: Ready, job: str, *, attempt: int) -> Ending:
    """The end of a subtask that was sent once, by a leader that is no more, and left no trace."""
    facts = {"type": "lost", "message": "nothing is known of it any more", "traceback": ""}
    return Ending(attempt, ready, job, "", Outcome.LOST, error=_error_text(facts))


def mislay(sent: Sent, *, harmless: bool, reason: str, batch: Batch) -> None:
    """A bundle is nowhere to be found, and any of its open items may have run.

    What may run twice is sent again at no cost; anything else counts as lost.
    """
    if harmless:
        batch.give_back(sorted(sent.open))
        return
    facts = {"type": "lost", "message": f"node {sent.node}: {reason}", "traceback": ""}
    for attempt, ready in sorted(sent.open.items()):
        error = _error_text(facts)
        batch.add(Ending(attempt, ready, sent.job, sent.node, Outcome.LOST, error=error))


def _error_text(facts: dict[str, Any]) -> str:
    fields = {name: str(facts[name])[:20_000] for name in ("type", "message", "traceback")}
    text = json.dumps(fields, ensure_ascii=False)
    return text.encode("utf-8", "replace").decode()
