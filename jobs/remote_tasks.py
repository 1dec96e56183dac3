"""Tasks that nodes have and the Nexus's own code does not: learned by the Foreman, kept here.

Whatever a list says, somebody on a node may have made it up. So each task has to pass what the
options of a task in code pass, and where the Nexus has a task of that name its own code counts.
"""

import json
from collections.abc import Container, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any, NoReturn

import structlog

from jobs.descriptions import MAX_SUMMARY_CHARS
from jobs.models import RemoteTask
from jobs.registry import NAME, Task
from jobs.task_options import PICKLE
from nodes.catalogue import TaskList

log = structlog.get_logger()
#: In the table.
MAX_TASKS = 2_000
#: In one list; nobody writes as many by hand.
MAX_IN_LIST = 1_000
MAX_NAME_CHARS = 200
MAX_SCHEMA_CHARS = 8_000
COLUMNS = ["options", "summary", "schema", "digest", "release", "seen_at"]
OPTIONS = {each.name for each in fields(Task)} - {"name", "run"}
FLAGS = ("idempotent", "at_most_once")
#: What reading nonsense raises, wherever in it the nonsense is.
NONSENSE = (ValueError, TypeError, LookupError, AttributeError, RecursionError)


def find_remote(name: Any) -> Task | None:
    """The task that nodes have under that name, to be submitted; not to be run here."""
    if not _is_name(name):
        return None
    row = RemoteTask.objects.filter(pk=name).first()
    return _read(row) if row else None


def remote_rows(known: Container[str]) -> list[tuple[Task, RemoteTask]]:
    """All tasks that only nodes have, by name, each with its row."""
    rows = [row for row in RemoteTask.objects.all() if row.name not in known]
    return [(task, row) for row in rows if (task := _read(row))]


def learn_tasks(found: TaskList, now: datetime, *, known: Container[str]) -> int:
    """Keep what a list tells of tasks that are not `known` here; how many of them were kept."""
    told = {name: each for name, each in found.tasks.items() if each is not None}
    rows, refused = _check(told, found, now, known)
    stored = RemoteTask.objects.in_bulk([row.pk for row in rows])
    room = max(MAX_TASKS - RemoteTask.objects.count(), 0)
    too_many = {row.pk for row in [row for row in rows if row.pk not in stored][room:]}
    refused += [
        f"{name}: there are {MAX_TASKS:,} already, delete some" for name in sorted(too_many)
    ]
    if refused:
        # One line, however much of it there is.
        some = {"refused": len(refused), "of": len(told), "first": refused[:3]}
        log.warning("tasks.refused", release=found.release, **some)
    kept = [_careful(row, stored.get(row.pk)) for row in rows if row.pk not in too_many]
    if kept:
        RemoteTask.objects.bulk_create(
            kept, update_conflicts=True, unique_fields=["name"], update_fields=COLUMNS
        )
        log.info("tasks.learned", release=found.release, tasks=len(kept))
    return len(kept)


def _check(
    told: Mapping[str, Any], found: TaskList, now: datetime, known: Container[str]
) -> tuple[list[RemoteTask], list[str]]:
    """The rows of what is sound and not known, and why the rest of it is not."""
    rows, refused = [], []
    names = sorted(name for name in told if name not in known)
    for name in names[:MAX_IN_LIST]:
        try:
            rows.append(_row(name, told[name], found, now))
        except NONSENSE as error:
            refused.append(f"{name[:MAX_NAME_CHARS]!a}: {str(error)[:MAX_NAME_CHARS]!a}")
    rest = f"one list may have {MAX_IN_LIST:,} that are not known here"
    return rows, refused + [f"{name[:MAX_NAME_CHARS]!a}: {rest}" for name in names[MAX_IN_LIST:]]


def _careful(row: RemoteTask, before: RemoteTask | None) -> RemoteTask:
    """The row to store. What took Python objects once does so until an operator deletes it.

    Some node may still load what it is given, and nobody may bring that about by a word.
    """
    if before and before.options.get("codec") == PICKLE != row.options["codec"]:
        log.warning("task.stays_pickle", task=row.name, release=row.release)
        row.options = {**row.options, "codec": PICKLE}
    return row


def _row(name: str, told: Any, found: TaskList, now: datetime) -> RemoteTask:
    """The row of a task that a node tells of. Raises one of `NONSENSE`."""
    if not _is_name(name):
        raise ValueError("is no name of a task")
    return RemoteTask(
        name=name,
        options=_build(name, told["options"]).options(),
        summary=_line(told.get("summary"))[:MAX_SUMMARY_CHARS],
        schema=_schema(told.get("schema")),
        digest=found.digest,
        release=_line(found.release)[:64],
        seen_at=now,
    )


def _read(row: RemoteTask) -> Task | None:
    """The task in a row; None if the rules have changed since and it is none any more."""
    try:
        return _build(row.name, row.options)
    except NONSENSE as error:
        log.warning("task.refused", task=row.name, reason=str(error))
        return None


def _build(name: str, options: Mapping[str, Any]) -> Task:
    """A task with these options; those that only a newer Hive knows are left out."""
    given = {key: value for key, value in options.items() if key in OPTIONS}
    for flag in FLAGS:
        if not isinstance(given.get(flag, True), bool):
            raise ValueError(f"{flag}: give true or false")
    if not str(given.get("version", "")).isprintable():
        raise ValueError("version: give a line of text")
    if "backoff" in given:
        given["backoff"] = tuple(given["backoff"])  # JSON knows no tuples
    return Task(name=name, run=_elsewhere, **given)


def _elsewhere(ctx: Any, item: Any) -> NoReturn:
    raise RuntimeError("the code of this task is on nodes only")


def _is_name(name: Any) -> bool:
    fits = isinstance(name, str) and len(name) <= MAX_NAME_CHARS
    return fits and NAME.fullmatch(name) is not None


def _line(text: Any) -> str:
    """The text without what no database, terminal or page should see."""
    return "".join(c for c in text if c.isprintable()) if isinstance(text, str) else ""


def _schema(told: Any) -> dict[str, Any]:
    """The schema, if it is a sane one; a task does as well without."""
    if not isinstance(told, dict):
        return {}
    schema = {key: told[key] for key in ("item", "kwargs") if isinstance(told.get(key), dict)}
    text = json.dumps(schema, ensure_ascii=False)
    text.encode()  # raises for a lone surrogate, which no database takes, nor a zero
    return schema if len(text) <= MAX_SCHEMA_CHARS and "\\u0000" not in text else {}
