"""What nodes report, read into a batch.

Only attempts in flight on the start of the node that reports them count; everything else is late,
doubled or forged, and is counted and dropped. Nothing that a node says can raise here.
"""

from dataclasses import dataclass
from typing import Any

from jobs.domain.backlog import Ready
from jobs.domain.batch import (
    MAX_CALLS,
    MAX_WISH_CHARS,
    Batch,
    Ending,
    Submission,
    Utterance,
    error_text,
)
from jobs.domain.bounds import MAX_REST_SECONDS
from jobs.domain.flight import Flight, Sent
from jobs.domain.references import read_reference
from jobs.domain.states import Outcome
from jobs.domain.strict_json import check_json

KINDS = {
    "fail": Outcome.FAILED,
    "timeout": Outcome.TIMEOUT,
    "cancelled": Outcome.CANCELLED,
    "crashed": Outcome.CRASHED,
    # Its agent was cut off and stopped what must not run twice.
    "fenced": Outcome.LOST,
    # Its node changed over to another release, and waits for it no longer.
    "handover": Outcome.LOST,
    # What it should work on could not be fetched; the task never began.
    "unfed": Outcome.LOST,
}
#: What attempts say while they run, and how much at once, in characters: what a slot sends
#: (jobs/wire.py, nodes/domain/transcript.py) with room to spare.
SPEECH = {"log": 128 * 1024, "part": 256 * 1024}
MAX_PLACE = 2**31 - 1
#: What reading raises if a node does not keep to the protocol.
MALFORMED = (TypeError, ValueError, KeyError, AttributeError, OverflowError, RecursionError)
#: So many single items of a report at most show how long items take.
SAMPLES = 8
#: The end of the year 9999 in Unix seconds; no database keeps a later time.
LAST_SECOND = 253_402_300_799.0


@dataclass(frozen=True, slots=True)
class Speaker:
    """Whose report it is: one start of one node."""

    node: str
    incarnation: str


def read_report(body: dict[str, Any], node: str, flight: Flight, batch: Batch) -> None:
    """Add what one verified report says. What makes no sense is dropped and counted."""
    speaker = Speaker(node, str(body.get("incarnation")))
    took: list[float] = []
    for row in read_rows(body, "ok", batch):
        try:
            took += _read_success(row, speaker, flight, batch)
        except MALFORMED:
            batch.dropped += 1
    # A reduction says nothing of how long the items of its job take.
    if took and not batch.endings[-1].ready.reduce:
        job = batch.endings[-1].job
        batch.paces.append((job, sum(took) / len(took)))
        batch.samples.append((job, took[:: -(-len(took) // SAMPLES)]))
    for event in read_rows(body, "events", batch):
        try:
            _read_event(event, body, speaker, flight, batch)
        except MALFORMED:
            batch.dropped += 1


def count_events(body: dict[str, Any]) -> int:
    """How many events a report holds."""
    return len(read_rows(body, "ok")) + len(read_rows(body, "events"))


def read_rows(body: dict[str, Any], name: str, batch: Batch | None = None) -> list[Any]:
    """The successes or the events of a report; none where it has no list of them."""
    rows = body.get(name) or []
    if isinstance(rows, list):
        return rows
    if batch:
        batch.dropped += 1
    return []


def _read_success(row: Any, speaker: Speaker, flight: Flight, batch: Batch) -> list[float]:
    """How many seconds the item took, if it counts."""
    attempt, started, ended, result = row
    found = flight.find(attempt, speaker.node, speaker.incarnation)
    if found is None:
        batch.dropped += 1
        return []
    sent, ready = found
    begun, over = _time(started), _time(ended)
    if not read_reference(result):
        check_json(result)
    ending = Ending(
        attempt,
        ready,
        sent.job,
        speaker.node,
        Outcome.SUCCEEDED,
        begun,
        over,
        result,
        placed=sent.placed,
    )
    return [max(over - begun, 0.0)] if batch.add(ending) else []


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
    elif kind == "submit":
        _read_submission(event, speaker, flight, batch)
    elif (found := flight.find(event["a"], speaker.node, speaker.incarnation)) is None:
        batch.dropped += 1
    elif kind in SPEECH:
        _read_speech(event, *found, batch)
    else:
        sent, ready = found
        batch.add(
            Ending(
                attempt=event["a"],
                ready=ready,
                job=sent.job,
                node=speaker.node,
                outcome=KINDS[kind],
                started=_time(event["t0"]),
                ended=_time(event["t1"]),
                error=error_text(event["e"]),
                final=bool(event.get("final")),
                after=_rest(event.get("after")),
                placed=sent.placed,
            )
        )


def _read_speech(event: dict[str, Any], sent: Sent, ready: Ready, batch: Batch) -> None:
    kind, place = event["k"], int(event["n"])
    text = event["text"] if kind == "log" else event["value"]
    if not 0 < place <= MAX_PLACE or len(text) > SPEECH[kind] or "\0" in text:
        raise ValueError(f"no {kind}")
    if kind == "part":
        check_json(text)
    text.encode()  # a lone surrogate would poison the whole transaction
    said = Utterance(event["a"], ready, sent.job, sent.node, place, text)
    (batch.logs if kind == "log" else batch.parts).append(said)


def _read_submission(event: dict[str, Any], speaker: Speaker, flight: Flight, batch: Batch) -> None:
    """A running subtask submits a job. It may be told after its end: reports overtake each other
    while Redis is away."""
    attempt, subtask, call, wish = event["a"], event["s"], event["n"], event["wish"]
    found = flight.find(attempt, speaker.node, speaker.incarnation)
    numbers = all(type(number) is int for number in (attempt, subtask, call))
    if not numbers or not 0 <= call < MAX_CALLS or not 0 < subtask < 1 << 63:
        raise ValueError("no numbers of a submission")
    if len(wish) > MAX_WISH_CHARS:
        raise ValueError("too long")
    wish.encode()
    if found:
        subtask = found[1].subtask
    batch.submissions.append(
        Submission(attempt, subtask, call, speaker.node, wish, current=found is not None)
    )


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
        begun, over = _span(event)
        facts = {"type": why, "message": _obituary(event, begun, over), "traceback": ""}
        outcome = KINDS.get(why, Outcome.CRASHED)
        batch.add(
            Ending(
                attempt,
                sent.open[attempt],
                sent.job,
                speaker.node,
                outcome,
                begun,
                over,
                error=error_text(facts),
                placed=sent.placed,
            )
        )
    batch.give_back(other for other in sent.open if other != attempt)


def _span(event: dict[str, Any]) -> tuple[float | None, float | None]:
    """From when to when it ran, if its agent says so."""
    if "t0" not in event:
        return None, None
    return _time(event["t0"]), _time(event["t1"])


def _obituary(event: dict[str, Any], begun: float | None, over: float | None) -> str:
    if event["why"] == "crashed":
        return f"its process ended with {event['how']}"
    if event["why"] == "fenced":
        return "its node was cut off and stopped it: it must not run twice"
    if event["why"] == "handover":
        return f"its node changed over to another release: {event['how']}"
    ran = "" if begun is None or over is None else f" after {over - begun:.1f} s"
    heard = {"timeout": "its timeout", "cancelled": "its cancellation"}.get(str(event["why"]))
    return f"it did not heed {heard}; its process was killed{ran}" if heard else str(event["why"])


def _time(value: Any) -> float:
    """A time in Unix seconds. Raises `ValueError` for what is none."""
    seconds = float(value)
    if not 0 <= seconds <= LAST_SECOND:
        raise ValueError(f"{value} is no time")
    return seconds


def _rest(value: Any) -> float | None:
    """How long a task wants to be left alone, within reason."""
    # In this order, because `max` and `min` keep their first argument if the other is NaN.
    return None if value is None else min(MAX_REST_SECONDS, max(0.0, float(value)))
