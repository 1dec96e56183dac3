"""Checks the options of a task where it is written: wrong ones would show where it runs."""

from typing import TYPE_CHECKING

from hive_site.kernel.errors import Invalid
from jobs.domain.bounds import MAX_CACHE_SECONDS, MAX_REST_SECONDS, MAX_RETRIES, MAX_TIMEOUT_SECONDS
from jobs.domain.limits import read_limit
from jobs.numbers import seconds, whole
from jobs.requirements import WHOLE, merge_requirements

if TYPE_CHECKING:
    from jobs.registry import Task

#: What items, keywords and results may be: JSON, or any object of Python that has a pickle.
CODECS = JSON, PICKLE = "json", "pickle"
MAX_VERSION_CHARS = 64
MAX_STEPS = 100


def check_options(task: "Task") -> None:
    """Raises `ValueError` with the option's name and what it may be."""
    read_limit(rate=task.rate, concurrency=task.concurrency)
    try:
        _check_numbers(task)
        merge_requirements(task, {n: getattr(task, n) for n in (*WHOLE, "labels", "capabilities")})
    except Invalid as error:
        option = (error.field or "").removeprefix("requires.")
        raise ValueError(f"{task.name}: {option}: {error}") from None
    if task.codec not in CODECS:
        raise ValueError(f"{task.name}: codec {task.codec!r}; give {' or '.join(CODECS)}")
    if not isinstance(task.version, str) or len(task.version) > MAX_VERSION_CHARS:
        rule = f"give a text of at most {MAX_VERSION_CHARS} characters"
        raise ValueError(f"{task.name}: version {task.version!r}; {rule}")


def _check_numbers(task: "Task") -> None:
    if task.timeout is not None:
        given = {"timeout": task.timeout}
        seconds(given, "timeout", 1, most=MAX_TIMEOUT_SECONDS, zero=False)
    if task.retries is not None:
        whole({"retries": task.retries}, "retries", 0, most=MAX_RETRIES)
    seconds({"cache_for": task.cache_for}, "cache_for", 0, most=MAX_CACHE_SECONDS)
    if not isinstance(task.backoff, tuple | list) or len(task.backoff) > MAX_STEPS:
        rule = f"give a tuple of at most {MAX_STEPS} numbers of seconds, like (2, 8, 32)"
        raise Invalid(f"{task.backoff!r}; {rule}", field="backoff")
    for step in task.backoff:
        seconds({"backoff": step}, "backoff", 0, most=MAX_REST_SECONDS)
