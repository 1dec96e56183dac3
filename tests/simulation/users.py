"""What people do to the Hive: they submit jobs, and change their minds."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from hive_site.kernel.errors import HiveError
from jobs import services
from jobs.domain.states import JOB_OPEN, JobState, SubtaskState
from jobs.models import Job, Subtask
from nodes.domain.states import Intent
from nodes.services import set_intent
from tests.simulation.agenda import Agenda
from tests.simulation.work import make_items

TASKS = ("sim.work", "sim.work", "sim.work", "sim.careful", "sim.once")
QUEUES = ("background", "background", "high_priority")


class Users:
    """All of them. Whatever is refused, is refused."""

    def __init__(self, agenda: Agenda, random: Random) -> None:
        self._agenda, self._random = agenda, random
        #: Jobs that are to be stopped, by somebody's will.
        self.stopped: set[str] = set()

    def submit(self) -> None:
        """A new job of some kind."""
        random, task = self._random, self._random.choice(TASKS)
        wish: dict[str, Any] = {
            "task": task,
            "items": make_items(random, random.choice((1, 5, 40, 120))),
            "queue": random.choice(QUEUES),
            "priority": random.randint(0, 10),
            "timeout": 30,
        }
        if task == "sim.work" and random.random() < 0.4:
            wish["reduce"] = "sim.work"
        if random.random() < 0.2:
            wish["on_error"] = "fail_fast"
        if random.random() < 0.1:
            wish["delay"] = random.uniform(1, 20)
        if random.random() < 0.4:
            wish["depends_on"] = self._choose_parents()
        job = services.submit_job(**wish)
        now = self._now()
        changes = {"created_at": now}
        if job.not_before:
            changes["not_before"] = now + timedelta(seconds=wish["delay"])
        if random.random() < 0.05:
            changes["deadline"] = now + timedelta(seconds=60)
        Job.objects.filter(pk=job.pk).update(**changes)
        if job.on_error == "fail_fast" or "deadline" in changes:
            self.stopped.add(job.pk)

    def _choose_parents(self) -> list[dict[str, Any]]:
        """Some jobs of the past, whatever became of them."""
        ids = list(Job.objects.order_by("pk").values_list("pk", flat=True))
        chosen = self._random.sample(ids, min(len(ids), self._random.randint(1, 3)))
        return [{"job": job, "allow_failure": self._random.random() < 0.5} for job in chosen]

    def cancel(self) -> None:
        if job := self._change(JOB_OPEN, services.cancel_job):
            self.stopped.add(job)

    def pause(self, seconds: float) -> None:
        job = self._change(JOB_OPEN, services.pause_job)
        self._agenda.after(seconds, lambda: self._try(services.resume_job, job_id=job))

    def pause_queue(self, seconds: float) -> None:
        queue = self._random.choice(QUEUES)
        services.pause_queue(name=queue)
        self._agenda.after(seconds, lambda: services.resume_queue(name=queue))

    def retry(self) -> None:
        ended = frozenset({JobState.PARTIAL, JobState.FAILED, JobState.CANCELLED})
        job = self._change(ended, services.retry_job)
        row = Job.objects.filter(pk=job).first()
        if row and row.on_error == "collect" and not row.deadline:
            self.stopped.discard(job)

    def release(self) -> None:
        rows = Subtask.objects.filter(state=SubtaskState.QUARANTINED).order_by("pk")
        if poison := rows.first():
            services.release_subtask(job_id=poison.job_id, index=poison.index)

    def drain(self, node: str, seconds: float) -> None:
        self._try(set_intent, name=node, intent=Intent.DRAIN)
        self._agenda.after(seconds, lambda: self.welcome(node))

    def welcome(self, node: str) -> None:
        """A node may work, whatever was wanted of it before."""
        self._try(set_intent, name=node, intent=Intent.WORK)

    def resume_all(self) -> None:
        """Nothing stays paused."""
        for job in Job.objects.filter(state=JobState.PAUSED).values_list("pk", flat=True):
            self._try(services.resume_job, job_id=job)

    def _change(self, states: frozenset[JobState], verb: Any) -> str:
        ids = list(Job.objects.filter(state__in=states).order_by("pk").values_list("pk", flat=True))
        job = self._random.choice(ids) if ids else ""
        return job if self._try(verb, job_id=job) else ""

    def _try(self, verb: Any, **what: Any) -> bool:
        try:
            verb(**what)
        except HiveError:
            return False
        return True

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._agenda.now, UTC)
