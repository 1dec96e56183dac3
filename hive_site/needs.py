"""What somebody should act on, each with its cause and what to do: the list of the overview."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice

from django.db.models import Q
from django.urls import reverse

from jobs.domain.states import JobState, Kept
from jobs.models import Job, Queue
from nodes.domain.liveness import ON_PURPOSE
from nodes.domain.states import NodeState
from nodes.models import Node
from nodes.picture import Picture, look
from nodes.verbs import tell
from ota.domain.states import Phase, RolloutState
from ota.domain.view import Code
from ota.models import Home, Rollout
from ota.selectors import WRONG, trust_alarms

#: Of each kind; who has more of one has a common cause to look for.
MOST_OF_A_KIND = 20
LOST_LATELY, FAILED_LATELY = timedelta(hours=24), timedelta(hours=1)
MOST_CHARS = 500
ALARMS_EVERY_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Verb:
    """What can be done about it, at which address."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Need:
    """Something to act on. `key` stays the same for as long as it is needed."""

    key: str
    kind: str
    title: str
    cause: str
    url: str
    verb: Verb | None = None


def needs(now: datetime, picture: Picture | None = None) -> list[Need]:
    """All of it, the gravest first; `picture` is the Foreman's, for who has it at hand."""
    seen = picture or look()
    found = [*_of_the_cluster(seen, now)]
    for kind in (_nodes, _jobs, _rollouts, _homes):
        found += islice(kind(now), MOST_OF_A_KIND)
    return [*found, *_queues(seen), *_alarms(now)]


def _of_the_cluster(picture: Picture, now: datetime) -> Iterator[Need]:
    home = reverse("overview")
    if picture.away:
        cause = (
            f"nothing is started meanwhile, and results wait where they were made: {picture.away}"
        )
        yield Need("redis", "redis", "Redis is away", cause[:MOST_CHARS], home)
    elif not picture.is_fresh(now.timestamp()):
        age = picture.age(now.timestamp())
        said = (
            "nobody led in the last minute" if age is None else f"the last word is {age:.0f} s old"
        )
        cause = f"{said}; nothing is started meanwhile. Start one: python manage.py foreman"
        yield Need("foreman", "foreman", "No Foreman leads", cause, home)


def _nodes(now: datetime) -> Iterator[Need]:
    lost = Q(state=NodeState.LOST, last_seen__gte=now - LOST_LATELY) & ~Q(reason__in=ON_PURPOSE)
    ill = Q(state__in=(NodeState.SUSPECT, NodeState.QUARANTINED))
    rows = Node.objects.filter(lost | ill).order_by("state", "-last_seen")
    for node in rows[:MOST_OF_A_KIND]:
        url, key = reverse("node", args=[node.name]), f"node/{node.name}"
        title, verb = f"{node.name} is {node.state}", None
        if node.state == NodeState.LOST:
            cause = f"{node.reason}; start it again, or forget it"
            verb = Verb("Forget", reverse("node-verb", args=[node.name, "forget"]))
        elif node.state == NodeState.QUARANTINED:
            cause = f"{node.reason}; it rests until somebody resumes it, or its rest is over"
            verb = Verb("Resume", reverse("node-verb", args=[node.name, "resume"]))
        else:
            cause = f"{node.reason}; if it stays silent its work runs elsewhere"
        yield Need(key, f"{node.state}_node", title, cause, url, verb)


def _jobs(now: datetime) -> Iterator[Need]:
    bad = (JobState.PARTIAL, JobState.FAILED)
    rows = Job.objects.filter(state__in=bad, finished_at__gte=now - FAILED_LATELY, kept=Kept.ALL)
    columns = ("pk", "task", "state", "failed", "total")
    for job in rows.only(*columns).order_by("-finished_at")[:MOST_OF_A_KIND]:
        title = f"{job.task}: {job.failed} of {job.total} failed"
        verb = Verb("Retry failed", reverse("job-verb", args=[job.pk, "retry"]))
        cause = f"the job ended {job.state}; its errors say why"
        yield Need(f"job/{job.pk}", "job", title, cause, reverse("job", args=[job.pk]), verb)


def _queues(picture: Picture) -> Iterator[Need]:
    drawn = picture.facts.get("queues", {})
    for name in Queue.objects.filter(paused=True).values_list("name", flat=True):
        if waiting := drawn.get(name, {}).get("depth", 0):
            title, cause = (
                f"{name} is paused",
                f"{tell(waiting, 'subtask waits', 'subtasks wait')} in it",
            )
            verb = Verb("Resume", reverse("queue-verb", args=[name, "resume"]))
            yield Need(f"queue/{name}", "queue", title, cause, reverse("queues"), verb)


def _rollouts(now: datetime) -> Iterator[Need]:
    rows = Rollout.objects.filter(state=RolloutState.PAUSED).select_related("release")
    for rollout in rows.order_by("-pk")[:MOST_OF_A_KIND]:
        title, url = (
            f"The rollout of {rollout.release} waits",
            reverse("rollout", args=[rollout.pk]),
        )
        at_gate = rollout.reason.startswith(f"{Code.GATE}:")
        label, name = ("Next wave", "promote") if at_gate else ("Resume", "resume")
        verb = Verb(label, reverse("rollout-verb", args=[rollout.pk, name]))
        yield Need(f"rollout/{rollout.pk}", "rollout", title, rollout.reason, url, verb)


def _homes(now: datetime) -> Iterator[Need]:
    bad = Q(phase=Phase.SAFE) | Q(report__attempt__state__in=WRONG)
    for home in Home.objects.filter(bad).order_by("node")[:MOST_OF_A_KIND]:
        attempt = home.report.get("attempt") or {}
        safe = home.phase == Phase.SAFE
        title = f"{home.node}: neither release runs" if safe else f"{home.node}: an update failed"
        cause = str(attempt.get("reason") or "its launcher's log says why")[:MOST_CHARS]
        yield Need(f"home/{home.node}", "home", title, cause, reverse("node", args=[home.node]))


def _alarms(now: datetime) -> Iterator[Need]:
    for role, alarm in _trust_alarms(int(now.timestamp()) // ALARMS_EVERY_SECONDS):
        yield Need(f"trust/{role}", "trust", f"Signed metadata: {role}", alarm, reverse("rollouts"))


@lru_cache(maxsize=1)
def _trust_alarms(minute: int) -> list[tuple[str, str]]:
    """What is to be done about roles; read from disk once a minute."""
    now = datetime.fromtimestamp(minute * ALARMS_EVERY_SECONDS, UTC)
    return [(row["role"], row["alarm"]) for row in trust_alarms(now)]
