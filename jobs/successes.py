"""Writes successes: the one statement that must be fast, in the dialect of each database.

PostgreSQL takes a whole batch as arrays in one statement, and says itself which rows moved.
SQLite is fastest row by row.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from django.db import connection

from jobs.domain.batch import Ending
from jobs.failures import OPEN_STATES, moment
from jobs.models import Subtask


class Column(NamedTuple):
    """A column of a subtask that a success sets, its type in PostgreSQL, and to what."""

    name: str
    kind: str
    of: Callable[[Ending], Any]


#: The only list of them; both statements are made of it.
COLUMNS = (
    Column("result", "text", lambda ending: ending.result),
    Column("node", "text", lambda ending: ending.node),
    Column("attempt", "bigint", lambda ending: ending.attempt),
    Column("attempts", "smallint", lambda ending: ending.ready.number),
    Column("started_at", "timestamptz", lambda ending: _adapt(ending.started)),
    Column("finished_at", "timestamptz", lambda ending: _adapt(ending.ended)),
    Column("placed", "text", lambda ending: ending.placed),
)
SUBTASK = Column("id", "bigint", lambda ending: ending.ready.subtask)
ALWAYS = "state = 'succeeded', error = NULL, retry_at = NULL, seq = %s"
_words = ", ".join(f"'{state}'" for state in OPEN_STATES)
IS_OPEN = f"state IN ({_words})"

ONE_ROW = f"""
    UPDATE jobs_subtask
       SET {ALWAYS}, {", ".join(f"{column.name} = %s" for column in COLUMNS)}
     WHERE id = %s AND {IS_OPEN}
"""  # noqa: S608  # nosec B608  # the words are all our own
ALL_ROWS = f"""
    UPDATE jobs_subtask
       SET {ALWAYS}, {", ".join(f"{column.name} = given.{column.name}" for column in COLUMNS)}
      FROM unnest({", ".join(f"%s::{column.kind}[]" for column in (*COLUMNS, SUBTASK))})
           AS given({", ".join(column.name for column in (*COLUMNS, SUBTASK))})
     WHERE jobs_subtask.id = given.id AND {IS_OPEN}
 RETURNING jobs_subtask.id, given.attempt
"""  # noqa: S608  # nosec B608  # the words are all our own


def store_successes(endings: list[Ending], seq: int) -> list[Ending]:
    """Those of the endings whose subtask was open, and now has succeeded so.

    In the caller's transaction, whose number is `seq`. Of two endings of one subtask one is stored.
    """
    if connection.vendor == "postgresql":
        return _store_at_once(endings, seq)
    return _store_each(endings, seq)


def _store_at_once(endings: list[Ending], seq: int) -> list[Ending]:
    lists = [[column.of(ending) for ending in endings] for column in (*COLUMNS, SUBTASK)]
    with connection.cursor() as cursor:
        cursor.execute(ALL_ROWS, [seq, *lists])
        moved = set(cursor.fetchall())
    return _winners(endings, moved)


def _store_each(endings: list[Ending], seq: int) -> list[Ending]:
    rows = [(seq, *(column.of(ending) for column in (*COLUMNS, SUBTASK))) for ending in endings]
    with connection.cursor() as cursor:
        cursor.executemany(ONE_ROW, rows)
        if cursor.rowcount == len(rows):
            return endings
    # Some of them lost a race. No other transaction has this number.
    subtasks = [ending.ready.subtask for ending in endings]
    moved = Subtask.objects.filter(pk__in=subtasks, seq=seq).values_list("pk", "attempt")
    return _winners(endings, set(moved))


def _winners(endings: list[Ending], moved: set[tuple[int, int]]) -> list[Ending]:
    """The endings whose subtask and attempt are among those that moved, each of them once."""
    won = []
    for ending in endings:
        if (move := (ending.ready.subtask, ending.attempt)) in moved:
            moved.remove(move)
            won.append(ending)
    return won


def _adapt(seconds: float | None) -> object:
    """A time as the raw statement needs it: what Django's own backend would pass."""
    return connection.ops.adapt_datetimefield_value(moment(seconds))
