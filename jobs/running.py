"""Makes visible in the database what runs: where, since when, and why there."""

from collections.abc import Iterable
from typing import NamedTuple

from django.db import connection, transaction

from jobs.domain.states import SubtaskState
from jobs.failures import moment

NOT_BEGUN = (SubtaskState.WAITING, SubtaskState.RETRYING, SubtaskState.QUEUED)
_words = ", ".join(f"'{state}'" for state in NOT_BEGUN)
ONE_ROW = f"""
    UPDATE jobs_subtask
       SET state = '{SubtaskState.RUNNING}', node = %s, started_at = %s, placed = %s
     WHERE id = %s AND state IN ({_words})
"""  # noqa: S608  # nosec B608  # the words are all our own


class Run(NamedTuple):
    """A subtask at work; `started` in Unix seconds."""

    subtask: int
    node: str
    started: float
    placed: str


def show_running(runs: Iterable[Run]) -> None:
    """Write that these run, of those that are not further yet."""
    adapt = connection.ops.adapt_datetimefield_value
    rows = [(run.node, adapt(moment(run.started)), run.placed, run.subtask) for run in runs]
    if rows:
        with transaction.atomic(), connection.cursor() as cursor:
            # One by one through the ORM takes eight times as long.
            cursor.executemany(ONE_ROW, rows)
