"""A flight of two bundles, and what nodes say of it."""

from typing import Any

from jobs.domain.batch import Batch
from jobs.domain.flight import Flight
from jobs.domain.reports import read_report
from jobs.domain.states import Outcome
from jobs.wire import bundle_id
from tests.jobs.cast import FIRST, bundle, ready

MINE, OTHERS = "spore-1", "spore-2"
BUNDLE = bundle_id(MINE, FIRST)
ERROR = {"type": "ValueError", "message": "no", "traceback": "…"}


def sent_out() -> Flight:
    """Three items on our node, two on another."""
    flight = Flight()
    flight.add(bundle(ready(1), ready(2), ready(3), node=MINE))
    flight.add(bundle(ready(4), ready(5), node=OTHERS, first=FIRST + 3, job="job_b"))
    return flight


def read(flight: Flight, *, node: str = MINE, **body: Any) -> Batch:
    batch = Batch()
    said = {"incarnation": "born-1", "bundle": BUNDLE, "ok": [], "events": [], **body}
    read_report(said, node, flight, batch)
    return batch


def event(kind: str, attempt: Any = FIRST, **fields: Any) -> dict[str, Any]:
    return {"k": kind, "a": attempt, "t0": 10.0, "t1": 11.0, "e": ERROR, **fields}


def outcomes(batch: Batch) -> dict[int, Outcome]:
    return {ending.attempt: ending.outcome for ending in batch.endings}
