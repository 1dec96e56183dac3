"""A world in which everything goes wrong, one random step after another, from a seed."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from hive_site.kernel.errors import Conflict
from jobs.domain.states import JOB_OPEN
from jobs.models import Job
from jobs.services import cancel_job, pause_job, resume_job, retry_job, submit_job
from jobs.wire import Bundle
from nodes import wire
from nodes.ports import Mail
from tests.jobs.stage import Spore, Stage

#: Rounds after which a world without mishaps must have come to rest.
ROUNDS = 80


class World:
    """A stage, Spores with bundles in their hands, and a Foreman that may fall at any step."""

    def __init__(self, redis: Redis, seed: int) -> None:
        self.random, self.stage = Random(seed), Stage(redis, nodes=3)
        self.server = redis.connection_pool.connection_kwargs["server"]
        self.hands: list[tuple[Spore, Bundle, list[int]]] = []
        self.said: list[tuple[Spore, dict]] = []
        self.mail = Mail()
        #: How often each at-most-once subtask began in each round of its job.
        self.began: Counter[tuple[str, int]] = Counter()
        self.acts: list[Callable[[], object]] = [
            *[self.submit] * 3,
            *[self.send] * 7,
            *[self.pop] * 9,
            *[self.work] * 12,
            *[self.read] * 8,
            *[self.tidy] * 3,
            *(self.die, self.crash, self.repeat, self.restart),
            *[self.outage] * 3,
            *[self.order] * 3,
        ]

    def live(self, steps: int) -> None:
        for _ in range(steps):
            self.random.choice(self.acts)()

    def come_to_rest(self) -> None:
        """No more mishaps, and no new leader that would start afresh."""
        for job in Job.objects.filter(state="paused"):
            resume_job(job_id=job.pk)
        for _ in range(ROUNDS):
            self.stage.tidy(after=6)
            self.send()
            for _ in range(3 * len(self.stage.spores)):
                self.pop()
            while self.hands:
                self.work(chance=1.0)
            self.read()
            if not Job.objects.filter(state__in=JOB_OPEN).exists():
                return

    def submit(self) -> None:
        if Job.objects.filter(state__in=JOB_OPEN).count() > 2:
            return  # mishaps shall meet again and again
        pick = self.random
        job = submit_job(
            task="demo.echo",
            items=[0] * pick.choice([1, 2, 9, 20]),
            reduce=pick.choice([None, None, "demo.echo"]),
            on_error=pick.choice(["collect", "collect", "fail_fast"]),
            retries=pick.randint(0, 2),
            delay=pick.choice([0, 0, 0, 20]),
            depends_on=self.parents(),
        )
        Job.objects.filter(pk=job.pk).update(at_most_once=pick.random() < 0.3)
        if pick.random() < 0.8:
            self.stage.hint(job)

    def parents(self) -> list[dict[str, Any]]:
        """Now and then some of the newest jobs, whatever became of them."""
        ids = Job.objects.order_by("-pk").values_list("pk", flat=True)[: self.random.choice([0, 2])]
        return [{"job": job, "allow_failure": self.random.random() < 0.5} for job in ids]

    def send(self) -> None:
        self.stage.send()

    def pop(self) -> None:
        spore = self.random.choice(self.stage.spores)
        if not self.stage.redis.llen(wire.queue_key(spore.name)):
            return
        sent = spore.pop()
        self.hands.append((spore, sent, list(range(len(sent.items)))))
        if Job.objects.get(pk=sent.job).at_most_once:
            self.began[sent.stop_token, sent.items[0][0]] += 1

    def work(self, chance: float = 0.7) -> None:
        """A slot finishes its next item; now and then it hands the rest back."""
        if not self.hands:
            return
        spore, sent, left = self.hands[self.random.randrange(len(self.hands))]
        if len(left) > 1 and self.random.random() < 0.2:
            # its first item turns out long
            self.say(spore, sent, {"k": "back", "attempts": [sent.first + n for n in left[1:]]})
            del left[1:]
            return
        attempt = sent.first + left.pop(0)
        if self.random.random() < chance:
            self.say(spore, sent, ok=[[attempt, 1.0, 1.001, "1"]])
        else:
            kind = self.random.choice(["fail", "timeout", "cancelled"])
            facts = {"type": "x", "message": "", "traceback": ""}
            self.say(spore, sent, {"k": kind, "a": attempt, "t0": 1.0, "t1": 2.0, "e": facts})
        if not left:
            spore.end(sent)
            self.hands.remove((spore, sent, left))

    def say(self, spore: Spore, sent: Bundle, *events: dict, ok: list | None = None) -> None:
        body = {"bundle": sent.id, "ok": ok or [], "events": list(events)}
        spore.report(**body)
        self.said.append((spore, body))

    def repeat(self) -> None:
        """A report arrives once more, however late."""
        if self.said:
            spore, body = self.random.choice(self.said)
            spore.report(**body)

    def crash(self) -> None:
        """A slot dies of what it runs."""
        if self.hands:
            spore, sent, left = self.hands.pop(self.random.randrange(len(self.hands)))
            spore.crash(sent, left[0])

    def die(self) -> None:
        """A node is given up; what it has in hand it may still report, too late."""
        self.stage.workload.reclaim(self.random.choice(self.stage.spores).name, "", self.stage.now)

    def read(self) -> None:
        if not self.mail.cursors:
            self.mail = self.stage.mail()
        self.stage.workload.record(self.mail, self.stage.now)
        self.mail = Mail()

    def tidy(self) -> None:
        self.stage.tidy(after=self.random.choice([1, 6]))

    def restart(self) -> None:
        self.mail = Mail()
        self.stage.take_over()

    def outage(self) -> None:
        """Redis is away while the Foreman takes a step."""
        act = self.random.choice([self.read, self.send, self.tidy, self.die, self.order])
        if act == self.read and not self.mail.cursors:
            self.mail = self.stage.mail()
        self.server.connected = False
        try:
            with suppress(RedisError):
                act()
        finally:
            self.server.connected = True

    def order(self) -> None:
        """An operator does something to some job."""
        jobs = list(Job.objects.order_by("-pk")[:3])
        if not jobs:
            return
        job = self.random.choice(jobs)
        verb = self.random.choice([cancel_job, pause_job, resume_job, retry_job])
        with suppress(Conflict):
            verb(job_id=job.pk)
        if self.random.random() < 0.5:
            self.stage.hint(job)
