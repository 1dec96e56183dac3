"""Submitting to a cluster, and looking at what became of it."""

import json
import time
from collections import Counter
from typing import Any

from redis import Redis

from jobs import services
from jobs.domain.states import JOB_TERMINAL
from jobs.invariants import Violation, check_database, check_redis
from jobs.models import Attempt, Job, Subtask
from nodes.models import Node
from tests.chaos.cluster import SOON, Cluster
from tests.chaos.waiting import until

#: As long as `hive check` waits between its two looks, and time for the first one.
SETTLED_SECONDS = 12.0


def submit(task: str, items: list[Any], **options: Any) -> str:
    """Submit a job as the Nexus does; its id."""
    return services.submit_job(task=task, items=items, **options).pk


def finish(*jobs: str, within: float = SOON) -> None:
    """Wait until these jobs have ended."""
    ended = Job.objects.filter(pk__in=jobs, state__in=JOB_TERMINAL)
    until(lambda: ended.count() == len(jobs), within=within, what=f"the jobs end: {tell(*jobs)}")


def tell(*jobs: str) -> str:
    """The states of jobs and their subtasks, for people."""
    return "; ".join(f"{job} {Job.objects.get(pk=job).state} {dict(states(job))}" for job in jobs)


def states(job: str) -> Counter[str]:
    """How many subtasks of a job are in which state, the reduction included."""
    return Counter(Subtask.objects.filter(job_id=job).values_list("state", flat=True))


def results(job: str) -> list[Any]:
    """The results of a job's items, in order; None for those without."""
    rows = Subtask.objects.filter(job_id=job, role="map").order_by("index")
    return [json.loads(text or "null") for text in rows.values_list("result", flat=True)]


def state_of(job: str) -> str:
    """The state of a job."""
    return str(Job.objects.values_list("state", flat=True).get(pk=job))


def lost(*jobs: str) -> int:
    """How many subtasks that ought to have succeeded did not."""
    return Subtask.objects.filter(job_id__in=jobs).exclude(state="succeeded").count()


def burned(*jobs: str) -> int:
    """How many retries were taken from the budgets of these jobs' subtasks."""
    rows = Subtask.objects.filter(job_id__in=jobs).values_list("errors", "crashes", "losses")
    return sum(map(sum, rows))


def doubly_accepted(*jobs: str) -> int:
    """How many subtasks have more than one accepted attempt."""
    won = Attempt.objects.filter(subtask__job_id__in=jobs, outcome="succeeded")
    counts = Counter(won.values_list("subtask_id", flat=True))
    return sum(count > 1 for count in counts.values())


def node(name: str) -> Node:
    """What the database knows of a node."""
    return Node.objects.get(name=name)


def await_state(name: str, *wanted: str, within: float = SOON) -> float:
    """Wait until a node is in one of these states; seconds that took."""
    begun = time.monotonic()
    mine = Node.objects.filter(name=name)
    until(
        lambda: mine.filter(state__in=wanted).exists(),
        within=within,
        what=f"{name} is {' or '.join(wanted)}, not {mine.values_list('state', flat=True).first()}",
    )
    return time.monotonic() - begun


def violations(redis: Redis) -> list[Violation]:
    """What `hive check` would complain of: what many looks over ten seconds all show."""
    give_up_at = time.monotonic() + SETTLED_SECONDS
    found = check_redis(redis)
    while found and time.monotonic() < give_up_at:
        time.sleep(0.5)
        seen = {(one.rule, one.subject) for one in check_redis(redis)}
        found = [one for one in found if (one.rule, one.subject) in seen]
    return check_database() + found


def check(cluster: Cluster) -> None:
    """Fails if an invariant does not hold."""
    assert violations(cluster.redis) == []
