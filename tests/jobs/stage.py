"""A leader with its work, over the test database and a Redis in memory; Spores play by hand."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
from django.utils import timezone
from redis import Redis
from redis.client import PubSub
from redis.exceptions import RedisError

from hive_site.kernel.envelope import node_key, seal, unseal
from jobs.domain.flight import Sent
from jobs.memory import Memory
from jobs.models import Job, Subtask
from jobs.services import submit_job
from jobs.wire import Bundle, read_bundle
from jobs.workload import JobsWorkload
from nodes import wire
from nodes.domain.beats import Running
from nodes.domain.scoring import Weights
from nodes.keyring import Keyring
from nodes.leadership import Leadership
from nodes.mailbox import Mailbox
from nodes.models import Lease, Node
from nodes.ports import Mail, Wakeup
from tests.jobs.cast import roster, seat
from tests.jobs.hands import FLEET_KEY

INCARNATION = "born-1"
ERROR = {"type": "ValueError", "message": "no", "traceback": "…"}


class Spore:
    """One node's slots: what they pop, and what they say of it."""

    def __init__(self, redis: Redis, name: str) -> None:
        self.redis, self.name, self.key = redis, name, node_key(FLEET_KEY, name)

    def pop(self) -> Bundle:
        """The next bundle, as a slot takes it."""
        popped = self.redis.lmove(wire.queue_key(self.name), wire.intermediate_key(self.name))
        assert popped, f"nothing was sent to {self.name}"
        envelope = self.redis.hget(wire.bundle_key(popped.decode()), "data")
        body = unseal(envelope, key=self.key, purpose=wire.PURPOSE_BUNDLE)
        return read_bundle(body, node=self.name, incarnation=INCARNATION)

    def report(self, **body: Any) -> bytes:
        """Say something; the entry in the stream."""
        text = json.dumps({"v": wire.PROTOCOL, "incarnation": INCARNATION, **body})
        envelope = seal(text, key=self.key, purpose=wire.PURPOSE_REPORT)
        return self.redis.xadd(wire.report_key(self.name), {"e": envelope})

    def succeed(self, bundle: Bundle, *positions: int, result: str = "1", at: float = 0.0) -> None:
        """These items are done; without any, all of them and the bundle."""
        chosen = positions or range(len(bundle.items))
        rows = [(bundle.first + n, at + 1, at + 2, result) for n in chosen]
        self.report(bundle=bundle.id, ok=rows, events=[])
        if not positions:
            self.end(bundle)

    def happen(self, bundle: Bundle, kind: str = "fail", position: int = 0, **fields: Any) -> None:
        """Something else became of an item."""
        event = {"k": kind, "a": bundle.first + position, "t0": 1.0, "t1": 2.0, "e": ERROR}
        self.report(bundle=bundle.id, ok=[], events=[{**event, **fields}])

    def crash(self, bundle: Bundle, position: int = 0) -> None:
        """The slot died of an item."""
        self.happen(bundle, "died", position, why="crashed", how="signal SIGSEGV")
        self.end(bundle)

    def end(self, bundle: Bundle) -> None:
        """The slot puts the bundle away."""
        self.redis.lrem(wire.intermediate_key(self.name), 1, bundle.id)
        self.redis.delete(wire.bundle_key(bundle.id))


class Stage:
    """One Foreman's steps on a clock that is moved by hand."""

    def __init__(self, redis: Redis, *, nodes: int = 2, slots: int = 1) -> None:
        self.redis, self.now = redis, timezone.now()
        self.roster = roster(*(seat(f"spore-{n}", slots=slots) for n in range(1, nodes + 1)))
        self.spores = [Spore(redis, each.name) for each in self.roster]
        Node.objects.bulk_create(Node(name=each.name, slots=slots) for each in self.roster)
        self.take_over()

    def take_over(self) -> None:
        """A new Foreman leads."""
        self.now += timedelta(seconds=60)
        self.leadership = Leadership(self.redis)
        assert self.leadership.hold(self.now)
        Lease.objects.update(boot_key=self.leadership.mirror())
        self.mailbox = Mailbox(self.redis, keyring=Keyring(FLEET_KEY))
        self.mailbox.open([each.name for each in self.roster])
        self.workload = JobsWorkload(
            self.redis, keyring=Keyring(FLEET_KEY), weights=Weights(), random=Random(1)
        )
        self.workload.take_over(self.leadership, self.now)

    @property
    def memory(self) -> Memory:
        return self.workload._memory

    def submit(self, items: int = 1, *, task: str = "demo.echo", **wish: Any) -> Job:
        """A job of which the Foreman was told."""
        job = submit_job(task=task, items=list(range(items)), **wish)
        self.hint(job)
        return job

    def hint(self, job: Job, what: str = "job") -> None:
        self.workload.heed([Wakeup(what, job.pk)], self.now)

    def send(self) -> int:
        return self.workload.dispatch(self.roster, self.now)

    def mail(self) -> Mail:
        """What the Spores said since the last look."""
        return self.mailbox.wait(0)

    def read(self) -> None:
        """Record what the Spores said."""
        self.workload.record(self.mail(), self.now)

    def tidy(self, *, after: float = 0.0) -> None:
        """Housekeeping, so many seconds later."""
        self.now += timedelta(seconds=after)
        self.workload.housekeep(self.roster, self.now)

    def take_back(self) -> None:
        """Take back what lies on nodes that cannot bring it back."""
        for name, reason in self.workload.stranded(self.roster).items():
            self.workload.reclaim(name, reason, self.now)

    def bundle(self) -> tuple[Spore, Bundle]:
        """Send what is ready; the first Spore that has something, and the bundle it popped."""
        self.send()
        spore = next(s for s in self.spores if self.redis.llen(wire.queue_key(s.name)))
        return spore, spore.pop()

    def run(self, *, result: str = "1") -> None:
        """Send and finish everything until nothing is left to do."""
        while self.send() or any(self.redis.llen(wire.queue_key(s.name)) for s in self.spores):
            for spore in self.spores:
                while self.redis.llen(wire.queue_key(spore.name)):
                    spore.succeed(spore.pop(), result=result)
            self.read()

    def runs(self, spore: Spore, bundle: Bundle, *, since: datetime | float) -> None:
        """The node's heartbeat says that it works on a bundle's first item."""
        node = self.roster[spore.name]
        began = since.timestamp() if isinstance(since, datetime) else since
        node.beat = replace(node.beat, running=(Running(bundle.first, began),))

    @property
    def in_flight(self) -> list[Sent]:
        return list(self.memory.flight)


def depose(stage: Stage) -> None:
    """Another Foreman leads from now on; ours was not told."""
    stage.leadership.release()
    stage.leadership.held = True
    assert Leadership(stage.redis).hold(stage.now)


def listen(stage: Stage) -> PubSub:
    """Hears what waiters are told."""
    ear = stage.redis.pubsub(ignore_subscribe_messages=True)
    ear.subscribe(wire.CHANGED)
    ear.get_message()
    return ear


def ledger(stage: Stage) -> list[bytes]:
    """The bundles in flight, as Redis knows them."""
    return [bundle for s in stage.spores for bundle in stage.redis.hkeys(wire.flight_key(s.name))]


@contextmanager
def silence(redis: Redis) -> Iterator[None]:
    """Redis does not answer meanwhile."""
    server = redis.connection_pool.connection_kwargs["server"]
    server.connected = False
    try:
        yield
    finally:
        server.connected = True


@contextmanager
def outage(redis: Redis) -> Iterator[None]:
    """Redis does not answer meanwhile; what is tried then fails."""
    with silence(redis), pytest.raises(RedisError):
        yield


def states(job: Job) -> list[str]:
    """The states of a job's subtasks in order."""
    rows = Subtask.objects.filter(job_id=job.pk).order_by("index")
    return list(rows.values_list("state", flat=True))


def fresh(job: Job) -> Job:
    """The job as the database has it now."""
    return Job.objects.get(pk=job.pk)
