"""Reads what went wrong in a job, tries that were repeated included."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from jobs.domain.error_groups import Failure, Group, group
from jobs.domain.states import Outcome
from jobs.models import Attempt, Job

MOST_FAILURES = 10_000
ROWS_AT_ONCE = 500
WENT_WRONG = (Outcome.FAILED, Outcome.TIMEOUT, Outcome.CRASHED, Outcome.LOST)
COLUMNS = ("subtask__index", "outcome", "node", "ended_at", "error")


@dataclass(frozen=True, slots=True)
class Errors:
    """Kinds of failures; `cut` if there are older ones than were read."""

    groups: list[Group]
    read: int
    cut: bool


def read_errors(job: Job, *, most: int = MOST_FAILURES) -> Errors:
    """The newest failures of a job, in groups."""
    tries = Attempt.objects.filter(subtask__job_id=job.pk, outcome__in=WENT_WRONG)
    rows = tries.order_by("-pk").values_list(*COLUMNS)[: most + 1]
    # One after the other: each may hold a traceback of some length.
    failures = _failures(rows.iterator(chunk_size=ROWS_AT_ONCE))
    groups = group(islice(failures, most))
    read = sum(one.count for one in groups)
    return Errors(groups, read, next(failures, None) is not None)


def _failures(rows: Iterator[tuple]) -> Iterator[Failure]:
    for index, outcome, node, at, error in rows:
        facts = json.loads(error) if error else {}
        yield Failure(
            type=facts.get("type") or str(outcome),
            message=facts.get("message") or f"the try {SAID.get(outcome, 'failed')}",
            traceback=facts.get("traceback") or "",
            node=node,
            index=index,
            at=at,
            outcome=outcome,
        )


SAID = {
    Outcome.TIMEOUT: "took longer than it may",
    Outcome.CRASHED: "ended its process",
    Outcome.LOST: "was lost with its node",
}
