"""Every named point at which a process may die, under work of every kind: row 8 of FAULTS.md.

Each process is started with the order to die at the point, and started again without it. A point
that is not reached tests nothing, so that fails.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest
import urllib3
from django.utils import timezone

from hive_site.kernel.crash import POINTS
from jobs import services
from jobs.models import Job, Schedule, Subtask
from nodes.services import create_api_key
from tests.chaos.cluster import SOON, Cluster
from tests.chaos.waiting import until
from tests.chaos.work import check, finish, results, state_of, states, submit

pytestmark = pytest.mark.chaos
SHORT, ONCE = 60, 12
CLOCK = "key:clock"


def leave_alone(cluster: Cluster) -> None:
    """Nothing but work is needed to get there."""


def kill_a_spore(cluster: Cluster) -> None:
    """A dead node is reclaimed."""
    until(lambda: cluster.diary.began(node="spore-2"), within=SOON, what="spore-2 works")
    cluster.kill("spore-2")


def freeze_a_spore(cluster: Cluster) -> None:
    """What a silent node has not begun is withdrawn."""
    until(lambda: cluster.diary.began(node="spore-2"), within=SOON, what="spore-2 works")
    cluster.freeze("spore-2")


def let_a_schedule_come_due(cluster: Cluster) -> None:
    """Once; after that it rests for months."""
    job = {"task": "chaos.work", "items": [0.02] * 3}
    when = {"cron": "0 0 1 1 *", "next_run_at": timezone.now()}
    services.create_schedule({"name": "tick", "job": job, **when}, submitted_by=CLOCK)


@dataclass(frozen=True)
class Plan:
    """How to get a process to its point: at which pass it dies there, and what else happens."""

    passes: int = 1
    disturb: Callable[[Cluster], None] = leave_alone


PLANS = {
    "foreman.claimed": [Plan()],
    "foreman.mirrored": [Plan()],
    "foreman.planned": [Plan(1), Plan(5)],
    "foreman.sent": [Plan(1), Plan(5)],
    "foreman.recording": [Plan(1), Plan(5)],
    "foreman.recorded": [Plan(1), Plan(5)],
    "foreman.settled": [Plan(1), Plan(5)],
    "foreman.reclaimed": [Plan(disturb=kill_a_spore)],
    "foreman.withdrawn": [Plan(disturb=freeze_a_spore)],
    "foreman.cancelling": [Plan()],
    "foreman.scheduling": [Plan(disturb=let_a_schedule_come_due)],
    "foreman.scheduled": [Plan(disturb=let_a_schedule_come_due)],
    "spore.popped": [Plan(1), Plan(4)],
    "spore.ran": [Plan(1), Plan(10)],
    "spore.reported": [Plan(1), Plan(4)],
    "agent.died": [Plan()],
}
CASES = [
    pytest.param(point, plan, id=f"{point}:{plan.passes}")
    for point, plans in PLANS.items()
    for plan in plans
]


@dataclass(frozen=True)
class Mixture:
    """Jobs of every kind, by id."""

    short: str
    failing: str
    poison: str
    once: str
    unwanted: str

    @property
    def all(self) -> tuple[str, ...]:
        return (self.short, self.failing, self.poison, self.once, self.unwanted)


def submit_everything() -> Mixture:
    return Mixture(
        unwanted=submit("chaos.work", [60.0] * 2, priority=9),
        once=submit("chaos.once", [0.05] * ONCE, reduce="chaos.total"),
        poison=submit("demo.crash", ["kill"]),
        failing=submit("chaos.fail", ["a", "b"], retries=1),
        short=submit("chaos.work", [0.02] * SHORT, reduce="chaos.total"),
    )


def require_right_ends(cluster: Cluster, jobs: Mixture) -> None:
    assert state_of(jobs.short) == "succeeded"
    assert results(jobs.short) == list(range(SHORT))
    assert Job.objects.get(pk=jobs.short).result == str(sum(range(SHORT)))
    assert states(jobs.failing) == {"failed": 2}
    assert states(jobs.poison) == {"quarantined": 1}
    assert state_of(jobs.unwanted) == "cancelled"
    require_at_most_once(cluster, jobs.once)


def require_each_schedule_ran_once() -> None:
    scheduled = Job.objects.filter(submitted_by=CLOCK)
    until(
        lambda: scheduled.filter(state="succeeded").count() == Schedule.objects.count(),
        within=SOON,
        what="every schedule ran",
    )
    assert scheduled.count() == Schedule.objects.count()


def require_at_most_once(cluster: Cluster, job: str) -> None:
    """Nothing ran twice, and what succeeded did run."""
    runs = cluster.diary.times_run(job)
    assert set(runs.values()) <= {1}, runs
    done = Subtask.objects.filter(job=job, role="map", state="succeeded")
    assert {row.index for row in done} <= set(runs)
    for row in done:
        assert row.result == str(row.index)


def wait_for_death(cluster: Cluster, point: str) -> float:
    """Wait until somebody died at the point; when that was seen."""
    name = "foreman" if point.startswith("foreman") else "spore-1"
    if point.startswith("spore."):
        # A slot, which its agent buries; the agent itself is stopped in order.
        log = cluster.child(name).log
        until(lambda: "exit code 137" in log.read_text(), within=SOON, what=f"{point} is reached")
        cluster.child(name).ask_to_stop()
    else:
        child = cluster.child(name)
        until(lambda: not child.alive, within=SOON, what=f"{point} is reached")
        assert child.end == "exit code 137"
    return time.monotonic()


@pytest.mark.parametrize(("point", "plan"), CASES)
def test_row_08_a_restart_converges_after_a_death_at(point, plan, cluster, figure):
    order = {"HIVE_CRASH_AT": f"{point}:{plan.passes}"}
    cluster.foreman(**(order if point.startswith("foreman") else {}))
    cluster.spore("spore-1", slots=2, **({} if point.startswith("foreman") else order))
    cluster.spore("spore-2", slots=2)
    jobs = submit_everything()
    if point == "foreman.cancelling":
        began = lambda: len(cluster.diary.began(job=jobs.unwanted)) == 2  # noqa: E731
        until(began, within=SOON, what="what is to be cancelled runs")
    services.cancel_job(job_id=jobs.unwanted)
    plan.disturb(cluster)

    wait_for_death(cluster, point)
    name = "foreman" if point.startswith("foreman") else "spore-1"
    cluster.again(name)
    again_at = time.monotonic()
    if plan.disturb is freeze_a_spore:
        cluster.thaw("spore-2")
    finish(*jobs.all)
    require_each_schedule_ran_once()

    seconds = time.monotonic() - again_at
    require_right_ends(cluster, jobs)
    check(cluster)
    figure(8, f"{point}:{plan.passes}: seconds until all is done", seconds, "≤ 10 s")


@pytest.mark.parametrize("point", ["foreman.planned", "foreman.sent", "foreman.recording"])
def test_row_08_the_reduction_of_what_runs_at_most_once_ends_too(point, cluster):
    cluster.foreman(HIVE_CRASH_AT=f"{point}:2")
    cluster.spore("spore-1")
    job = submit("chaos.once", [0.1], reduce="chaos.total")

    wait_for_death(cluster, point)
    cluster.again("foreman")
    finish(job)

    require_at_most_once(cluster, job)
    check(cluster)


def test_row_08_a_job_that_was_stored_runs_although_nobody_was_told(cluster, figure):
    _, key = create_api_key(name="chaos", scopes=["submit", "read"])
    cluster.foreman()
    cluster.spore("spore-1")
    url = f"{cluster.nexus(HIVE_CRASH_AT='nexus.stored')}/api/v1/jobs/"
    headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": "one"}
    wish = {"task": "chaos.work", "items": [0.1] * 3}

    with pytest.raises(urllib3.exceptions.HTTPError):
        urllib3.request("POST", url, json=wish, headers=headers, retries=False, timeout=SOON)
    died_at = time.monotonic()
    until(lambda: not cluster.child("nexus").alive, within=SOON, what="the point is reached")
    job = Job.objects.get().pk
    finish(job)
    seconds = time.monotonic() - died_at
    cluster.again("nexus")
    repeat = lambda: urllib3.request("POST", url, json=wish, headers=headers, timeout=SOON)  # noqa: E731
    answer = until(lambda: reach(repeat), within=SOON, what="the Nexus answers")

    assert answer.headers["Idempotency-Replayed"] == "true"
    assert (answer.json()["id"], Job.objects.count()) == (job, 1)
    check(cluster)
    figure(8, "nexus.stored: seconds until all is done", seconds, "≤ 10 s")


def reach(ask):
    """The answer, or None while nobody listens."""
    try:
        return ask()
    except urllib3.exceptions.HTTPError:
        return None


#: See tests/nodes/spore/test_handover.py and tests/ota/spore: only a managed Spore gets there.
AT_HANDOVERS = ("agent.ready", "agent.live", "agent.retired")


def test_every_point_has_a_test():
    updates = {point for point in POINTS if point.startswith(("stager.", "launcher."))}

    assert {*PLANS, "nexus.stored", *AT_HANDOVERS} == set(POINTS) - updates
