"""Takes whole graphs of jobs in, all or none of them, and stops them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction
from django.utils import timezone

from hive_site.kernel.errors import Conflict, Invalid, TooLarge
from jobs.dependencies import Parent, read_entry
from jobs.domain.graph import find_cycle, in_order
from jobs.domain.states import JobState
from jobs.ids import new_job_id, new_workflow_id
from jobs.models import Job
from jobs.selectors import workflow_jobs
from jobs.services.cancelling import cancel
from jobs.services.storing import make_job, store_jobs
from jobs.services.submission import Idempotency, announce, keep_large, once
from jobs.validation import Wish, check_wish
from nodes.inbox import ring

MAX_JOBS = 1000
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,99}")
NAME_RULE = "a name is a letter, then up to 99 letters, digits, _ and -"


@dataclass(frozen=True, slots=True)
class Plan:
    """A workflow that holds: ids of its jobs by name, and what they are, parents first."""

    ids: dict[str, str]
    wishes: dict[str, Wish]


def submit_workflow(jobs: Any, *, submitted_by: str = "", may_pickle: bool = False) -> list[Job]:
    """Store the jobs of a workflow; they are returned parents first.

    `jobs` are submissions by name, each of which may name others in `after`. Raises `Invalid`
    with the field's name, `TooLarge` for too many; nothing is stored then.
    """
    plan = check_workflow(jobs, now=timezone.now(), may_pickle=may_pickle)
    with transaction.atomic():
        return workflow_jobs(_store(plan, submitted_by).workflow)


def submit_workflow_once(
    idempotency: Idempotency, jobs: Any, *, submitted_by: str = "", may_pickle: bool = False
) -> tuple[list[Job], bool]:
    """Like `submit_workflow`, but the same key gives the same jobs; with True if they were there
    before. Raises `KeyReused` if the key came with another request."""
    job, replayed = once(
        idempotency,
        check=lambda: check_workflow(jobs, now=timezone.now(), may_pickle=may_pickle),
        store=lambda plan: _store(plan, submitted_by),
    )
    return workflow_jobs(job.workflow), replayed


def cancel_workflow(*, workflow: str) -> list[Job]:
    """Stop every job of a workflow that has not ended; cancelling twice is fine until they have.

    Raises `NotFound`, or `Conflict` if all of them have ended.
    """
    workflow_jobs(workflow)
    if not cancel(Job.objects.filter(workflow=workflow)):
        raise Conflict(f"all jobs of {workflow} have ended; it cannot be cancelled")
    # It has the Foreman compare everything that it knows with the database.
    transaction.on_commit(partial(ring, "queue"))
    return workflow_jobs(workflow)


def check_workflow(jobs: Any, *, now: datetime, may_pickle: bool = False) -> Plan:
    """The workflow with every default filled in. Raises `Invalid`, `TooLarge`."""
    if not isinstance(jobs, Mapping) or not jobs:
        raise Invalid("give an object of jobs by name, at least one", field="jobs")
    if len(jobs) > MAX_JOBS:
        raise TooLarge(f"{len(jobs):,} jobs; one workflow takes {MAX_JOBS:,}", field="jobs")
    after = {name: _read_after(name, wish, jobs) for name, wish in jobs.items()}
    if cycle := find_cycle({name: list(parents) for name, parents in after.items()}):
        told = " → ".join(cycle)
        raise Invalid(f"{told}: they wait for each other", field=f"jobs.{cycle[0]}.after")
    names = in_order({name: list(parents) for name, parents in after.items()})
    ids = {name: new_job_id() for name in names}
    wishes = {}
    for name in jobs:  # what is wrong is told in the order in which it was written
        parents = [Parent(ids[p], p, allow_failure=may) for p, may in after[name].items()]
        wishes[name] = _check_job(name, jobs[name], parents, now, may_pickle=may_pickle)
    return Plan(ids, {name: wishes[name] for name in names})


def _read_after(name: Any, wish: Any, jobs: Mapping[str, Any]) -> dict[str, bool]:
    """The names that a job comes after, each with whether it may fail."""
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise Invalid(f"{name!r}; {NAME_RULE}", field="jobs")
    if not isinstance(wish, Mapping):
        raise Invalid("give an object, a job to submit", field=f"jobs.{name}")
    field, entries = f"jobs.{name}.after", wish.get("after")
    if entries is None:
        return {}
    if not isinstance(entries, list | tuple):
        rule = 'give a list of names, or of {"job": name, "allow_failure": true}'
        raise Invalid(rule, field=field)
    after: dict[str, bool] = {}
    for entry in entries:
        parent, may_fail = read_entry(entry, field=field)
        if parent not in jobs:
            raise Invalid(f"no job here is called {parent!r}", field=field)
        if parent in after:
            raise Invalid(f"{parent!r} is there twice; once is enough", field=field)
        after[parent] = may_fail
    return after


def _check_job(
    name: str,
    wish: Mapping[str, Any],
    parents: list[Parent],
    now: datetime,
    *,
    may_pickle: bool,
) -> Wish:
    fields = {key: value for key, value in wish.items() if key != "after"}
    try:
        checked = check_wish(fields, now=now, after=parents, may_pickle=may_pickle)
    except Invalid as error:
        # The same kind of fact, told from further out.
        field = f"jobs.{name}.{error.field}" if error.field else f"jobs.{name}"
        raise type(error)(str(error), field=field) from error
    return keep_large(checked)


def _store(plan: Plan, submitted_by: str) -> Job:
    """Store all jobs; the first of them."""
    belongs = {"workflow": new_workflow_id(), "submitted_by": submitted_by[:150]}
    made = [
        (make_job(wish, id=plan.ids[name], name=name, **belongs), wish)
        for name, wish in plan.wishes.items()
    ]
    settled = store_jobs(made)
    # Whoever waits for others is no news to the Foreman, but for a time at which that ends.
    news = {job.pk for job, _ in made if job.state != JobState.BLOCKED or job.deadline}
    announce(sorted(news | {one.job for one in settled}))
    return made[0][0]
