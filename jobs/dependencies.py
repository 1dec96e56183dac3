"""What a submission says of its parents: which jobs it waits for, and what it takes of them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hive_site.kernel.errors import Invalid
from jobs.domain.graph import Feed
from jobs.domain.quotes import MARK, BadReference, Reference, find_references, read_reference

MAX_PARENTS = 1000
JOB_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")
RULE = 'give a list of job ids, or of {"job": id, "allow_failure": true}'


@dataclass(frozen=True, slots=True)
class Parent:
    """A job to wait for. `name` is what the submission calls it, besides its id."""

    job: str
    name: str = ""
    allow_failure: bool = False
    feeds: Feed = Feed.NOTHING


def read_parents(depends_on: Any, after: Sequence[Parent] = ()) -> list[Parent]:
    """All parents of a job. Raises `Invalid` for what is no list of them, or has one twice."""
    if not isinstance(depends_on, list | tuple):
        raise Invalid(RULE, field="depends_on")
    parents = {parent.job: parent for parent in after}
    for entry in depends_on:
        job, allow_failure = read_entry(entry, field="depends_on")
        if not JOB_ID.fullmatch(job):
            raise Invalid(f"{job!r} is no id of a job", field="depends_on")
        if job in parents:
            raise Invalid(f"{job} is there twice; once is enough", field="depends_on")
        parents[job] = Parent(job, allow_failure=allow_failure)
    if len(parents) > MAX_PARENTS:
        rule = f"{len(parents):,} parents; {MAX_PARENTS:,} are allowed"
        raise Invalid(f"{rule}: gather some of them in a job between", field="depends_on")
    return list(parents.values())


def read_entry(entry: Any, *, field: str) -> tuple[str, bool]:
    """A parent as it is written: its id or name, and whether it may fail. Raises `Invalid`."""
    if isinstance(entry, str):
        return entry, False
    if not isinstance(entry, Mapping) or not isinstance(entry.get("job"), str):
        raise Invalid(f'{entry!r}; give a text, or {{"job": …, "allow_failure": …}}', field=field)
    if unknown := [name for name in entry if name not in ("job", "allow_failure")]:
        raise Invalid(f"{unknown[0]!r}; there are job and allow_failure", field=field)
    allow_failure = entry.get("allow_failure", False)
    if not isinstance(allow_failure, bool):
        raise Invalid(f"{allow_failure!r}; give true or false for allow_failure", field=field)
    return entry["job"], allow_failure


def is_quote(items: Any) -> bool:
    """Whether a job's items are the list that a parent gives. Raises `Invalid`."""
    return _read(items, "items") is not None


def feed(parents: list[Parent], given: Mapping[str, Any], texts: list[str]) -> list[Parent]:
    """The parents with what the job takes of them; `texts` are its kwargs and items as JSON.

    Raises `Invalid` for a quotation of anybody else.
    """
    if not any(MARK in text for text in texts):
        return parents
    kwargs, items = given.get("kwargs", {}), given.get("items", ())
    if _read(kwargs, "kwargs") is not None:
        raise Invalid("quote results in the arguments, not in place of them", field="kwargs")
    feeds: dict[str, Feed] = {}
    fan = _read(items, "items")
    try:
        quoted = [*find_references(kwargs, at="kwargs")]
        quoted += [("items", fan)] if fan else find_references(items, at="items")
    except BadReference as error:
        raise Invalid(str(error), field=error.at) from error
    for at, reference in quoted:
        feeds.setdefault(_find(reference, parents, at), Feed.INPUT)
    if fan:
        feeds[_find(fan, parents, "items")] = Feed.ITEMS
    return [replace(p, feeds=feeds.get(p.job, Feed.NOTHING)) for p in parents]


def _read(value: Any, at: str) -> Reference | None:
    try:
        return read_reference(value, at=at)
    except BadReference as error:
        raise Invalid(str(error), field=error.at) from error


def _find(reference: Reference, parents: list[Parent], at: str) -> str:
    """The id of the parent that is quoted; names go before ids."""
    by_name = {parent.job: parent.job for parent in parents}
    by_name |= {parent.name: parent.job for parent in parents if parent.name}
    if reference.name not in by_name:
        known = ", ".join(p.name or p.job for p in parents) or "none"
        raise Invalid(f"{reference.name!r} is no parent of this job; there are {known}", field=at)
    return by_name[reference.name]
