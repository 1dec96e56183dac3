"""What a submission may hold. One set of rules for Python, REST and the command line."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Required, TypedDict

from django.conf import settings

from hive_site.kernel.errors import Invalid, NotFound, TooLarge
from jobs.dependencies import Parent, feed, is_quote, read_parents
from jobs.domain.bounds import (
    MAX_CACHE_SECONDS,
    MAX_DELAY_SECONDS,
    MAX_RETRIES,
    MAX_TIMEOUT_SECONDS,
)
from jobs.domain.states import OnError
from jobs.json_text import encode
from jobs.numbers import seconds, whole
from jobs.packing import pack_unpacked
from jobs.registry import Registry, Task, load_tasks
from jobs.remote_tasks import find_remote
from jobs.requirements import check_labels, merge_requirements
from jobs.scopes import refuse_objects, refuse_tasks_of_objects
from jobs.task_options import PICKLE
from jobs.webhooks.address import check_webhook

MAX_ITEMS = 100_000


class WishFields(TypedDict, total=False):
    """A job to submit (CONTRACT §6). What is left out, or None, takes its default."""

    task: Required[str]
    items: Sequence[Any]
    kwargs: Mapping[str, Any] | None
    reduce: str | None
    queue: str | None
    priority: int | None
    timeout: float | None
    retries: int | None
    requires: Mapping[str, Any] | None
    depends_on: Sequence[str | Mapping[str, Any]] | None
    on_error: str | None
    delay: float | None
    deadline: datetime | str | None
    cache_for: float | None
    labels: Mapping[str, str] | None
    webhook: str | None


@dataclass(frozen=True, slots=True)
class Wish:
    """A submission that holds: the columns of its job, its items as JSON texts, its parents."""

    columns: dict[str, Any]
    items: list[str]
    parents: list[Parent] = field(default_factory=list)


@cache
def known_tasks() -> Registry:
    """Every task that this installation has; imported at the first question."""
    return load_tasks(settings.HIVE.task_modules)


def find_task(name: str) -> Task:
    """The task of that name, with its options. Raises `NotFound`.

    One that only nodes have will do; our own code counts where both have it.
    """
    registry = known_tasks()
    remote = None if name in registry else find_remote(name)
    return remote or registry.get(name)


def check_wish(
    fields: Mapping[str, Any],
    *,
    now: datetime,
    may_pickle: bool = False,
    after: Sequence[Parent] = (),
    find: Callable[[str], Task] = find_task,
) -> Wish:
    """The wish with every default filled in; `after` are parents that a workflow knows by name.

    `may_pickle`: the caller may have Python objects loaded on Spores, and so run any code there.
    Raises `Invalid` with the field's name, `TooLarge` for too many items, `NotAllowed`.
    """
    for name in fields:
        if name not in WishFields.__annotations__:
            allowed = ", ".join(WishFields.__annotations__)
            raise Invalid(f"is no field of a job; there are {allowed}", field=str(name))
    given = {name: value for name, value in fields.items() if value is not None}
    task = _task(given.get("task", ""), find, field="task")
    reduce = _task(given["reduce"], find, field="reduce") if "reduce" in given else None
    columns = {**_task_columns(task, given), **_job_columns(given, now)}
    columns["reduce"] = reduce.name if reduce else ""
    columns["reduction"] = _terms(reduce, given) if reduce else None
    if not may_pickle:
        refuse_tasks_of_objects(task=task, reduce=reduce)
    items = _items(fields)
    if not may_pickle:
        refuse_objects(kwargs=columns["kwargs"], items=items)
    parents = read_parents(given.get("depends_on", ()), after)
    return Wish(columns, items, feed(parents, given, [columns["kwargs"], *items]))


def pack_wish(task: str, wish: Mapping[str, Any]) -> dict[str, Any]:
    """The wish of somebody who may hand Python objects to this task, with those as JSON."""
    packed = dict(wish)
    if _takes_objects(task):
        if isinstance(wish.get("items"), list | tuple):
            packed["items"] = [pack_unpacked(item) for item in wish["items"]]
        if isinstance(wish.get("kwargs"), Mapping):
            packed["kwargs"] = {k: pack_unpacked(value) for k, value in wish["kwargs"].items()}
    return packed


def _takes_objects(task: str) -> bool:
    try:
        return find_task(task).codec == PICKLE
    except NotFound:
        return False


def _task_columns(task: Task, given: Mapping[str, Any]) -> dict[str, Any]:
    """What the task's own options decide, unless the wish says otherwise."""
    return {
        "task": task.name,
        "cache_for": _cache_for(task, given),
        "task_version": task.version,
        "codec": task.codec,
        **_terms(task, given),
    }


def _terms(task: Task, given: Mapping[str, Any]) -> dict[str, Any]:
    """How the task is run: a job's reduction has terms of its own."""
    hive = settings.HIVE
    timeout = hive.task_timeout if task.timeout is None else task.timeout
    retries = hive.max_retries if task.retries is None else task.retries
    return {
        "timeout": seconds(given, "timeout", timeout, most=MAX_TIMEOUT_SECONDS, zero=False),
        "retries": whole(given, "retries", retries, most=MAX_RETRIES),
        "backoff": list(task.backoff),
        "idempotent": task.idempotent and not task.at_most_once,
        "at_most_once": task.at_most_once,
        "requires": merge_requirements(task, given.get("requires", {})),
    }


def _cache_for(task: Task, given: Mapping[str, Any]) -> float:
    cache_for = seconds(given, "cache_for", task.cache_for, most=MAX_CACHE_SECONDS)
    if given.get("cache_for") and (task.at_most_once or not task.idempotent):
        rule = "results can be used again only of a task that is idempotent"
        raise Invalid(f"{task.name}: {rule}; give 0", field="cache_for")
    return cache_for


def _job_columns(given: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    kwargs = given.get("kwargs", {})
    if not isinstance(kwargs, Mapping):
        raise Invalid("give an object of keyword arguments", field="kwargs")
    delay = seconds(given, "delay", 0, most=MAX_DELAY_SECONDS)
    return {
        "kwargs": encode(dict(kwargs), field="kwargs"),
        "queue": _queue(given.get("queue", "background")),
        "priority": whole(given, "priority", 5, most=10),
        "on_error": _on_error(given.get("on_error", OnError.COLLECT)),
        "labels": check_labels(given.get("labels", {}), field="labels"),
        "webhook": check_webhook(given["webhook"]) if "webhook" in given else "",
        "not_before": now + timedelta(seconds=delay) if delay else None,
        "deadline": _deadline(given["deadline"], now) if "deadline" in given else None,
    }


def _task(name: Any, find: Callable[[str], Task], *, field: str) -> Task:
    if not isinstance(name, str) or not name:
        raise Invalid("give the name of a task, like demo.echo", field=field)
    try:
        return find(name)
    except NotFound as error:
        raise Invalid(str(error), field=field) from error


def _items(fields: Mapping[str, Any]) -> list[str]:
    """The items as JSON texts; one null if none were given, one in place of a parent's list."""
    items = fields.get("items", (None,))
    if is_quote(items):
        return [encode(items, field="items")]
    if not isinstance(items, list | tuple):
        raise Invalid(f"give a list, not {type(items).__name__}", field="items")
    if len(items) > MAX_ITEMS:
        rule = f"{len(items):,} items; one job takes {MAX_ITEMS:,}, so send several jobs"
        raise TooLarge(rule, field="items")
    return [encode(item, field=f"items.{index}") for index, item in enumerate(items)]


def _queue(name: Any) -> str:
    """The queue's name here; the two well-known names work whatever the settings call them."""
    hive = settings.HIVE
    known = {"high_priority": hive.high_priority_queue, "background": hive.background_queue}
    found = known.get(name, name) if isinstance(name, str) else None
    if found not in hive.queues:
        raise Invalid(f"{name!r} is no queue; give {' or '.join(hive.queues)}", field="queue")
    return str(found)


def _on_error(value: Any) -> str:
    if value not in list(OnError):
        raise Invalid(f"{value!r}; give {' or '.join(OnError)}", field="on_error")
    return str(value)


def _deadline(value: Any, now: datetime) -> datetime:
    moment = read_moment(value, field="deadline")
    if moment <= now:
        raise Invalid(f"{value} is over already", field="deadline")
    return moment


def read_moment(value: Any, *, field: str) -> datetime:
    """The time in UTC that an RFC 3339 text, or an aware time, means. Raises `Invalid`."""
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(_rfc3339(value))
        moment = moment.astimezone(UTC) if moment.tzinfo else None
    except (ValueError, OverflowError):
        moment = None
    if moment is None:
        rule = "give a time with its offset (RFC 3339), like 2030-01-31T12:00:00Z"
        raise Invalid(f"{value!r}; {rule}", field=field)
    return moment


def _rfc3339(value: Any) -> str:
    """The text, if it looks like RFC 3339; Python alone would take much more."""
    if not isinstance(value, str) or not re.match(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d", value):
        raise ValueError(value)
    return value
