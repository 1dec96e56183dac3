"""A cluster that is played: a Foreman who draws a thousand nodes, and a job that goes on."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

from redis import Redis

from nodes import wire

NODES, SUBTASKS = 1_000, 100_000
#: Each batch starts so many subtasks and ends as many others.
BATCH, BATCHES_A_SECOND = 100, 10
PICTURE_TTL_SECONDS = 60
#: The node whose reason is the moment at which its picture was published.
CLOCK = "node-0000"


def draw_picture(number: int, random: Random, job: str, begun: int) -> dict[str, Any]:
    """What a Foreman says of a thousand busy nodes, no two seconds alike."""
    nodes = [_draw_node(n, random, job, begun) for n in range(NODES)]
    queue = {"depth": SUBTASKS - begun, "oldest_wait": 1.0, "paused": False}
    queue |= {"in": 0.0, "out": 1000.0, "ages": [0, 0, 0, SUBTASKS - begun]}
    return {
        "number": number,
        "at": time.time(),
        "foreman": {"holder": "bench", "epoch": 1},
        "nodes": nodes,
        "nodes_online": NODES,
        "nodes_total": NODES,
        "slots": 4 * NODES,
        "avg_cpu": 0.5,
        "avg_memory": 0.5,
        "active_subtasks": BATCH,
        "queues": {"default": queue},
        "waiting": {},
        "throughput": {"succeeded_per_second": 1000.0, "failed_per_second": 0.0},
    }


def _draw_node(n: int, random: Random, job: str, begun: int) -> dict[str, Any]:
    work = {
        "job": job,
        "index": min(begun + n, SUBTASKS - 1),
        "task": "bench.noop",
        "items": 1,
        "reduce": False,
        "attempt": 1,
        "started_at": "2026-01-01T00:00:00+00:00",
    }
    return {
        "name": f"node-{n:04}",
        "state": "online",
        "reason": "",
        "intent": "work",
        "slots": 4,
        "running": random.randint(0, 4),
        "cpu": round(random.random(), 3),
        "memory": round(random.random(), 3),
        "score": 0.5,
        "labels": {"site": f"rack-{n // 40}", "kind": "bench"},
        "capabilities": [],
        "gpus": [],
        "release": "1.0.0",
        "agent_version": "1",
        "last_seen": "2026-01-01T00:00:00+00:00",
        "metrics": {"load": 1.0},
        "work": [work] if n < BATCH else [],
    }


class Puppets:
    """Plays until it is stopped. `sent` counts what it asks of Redis itself."""

    def __init__(self, client: Redis) -> None:
        from jobs.services import submit_job

        self.sent: Counter[str] = Counter()
        #: When so many subtasks of the job had been committed as succeeded.
        self.committed: dict[int, float] = {}
        self._client, self._random = client, Random(6)
        self.job = submit_job(task="demo.echo", items=[0] * SUBTASKS).pk
        self._begun = self._ended = self._number = 0
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._repeat, args=(act, seconds), daemon=True)
            for act, seconds in ((self._publish, 1.0), (self._go_on, 1 / BATCHES_A_SECOND))
        ]

    def start(self) -> None:
        """Begin to play."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _repeat(self, act: Callable[[], None], seconds: float) -> None:
        due = time.monotonic()
        while not self._over.wait(max(due - time.monotonic(), 0)):
            act()
            due += seconds

    def _publish(self) -> None:
        self._number += 1
        picture = draw_picture(self._number, self._random, self.job, self._begun)
        picture["nodes"][0]["reason"] = str(time.time())
        pipe = self._client.pipeline(transaction=False)
        pipe.set(wire.SNAPSHOT, json.dumps(picture), ex=PICTURE_TTL_SECONDS)
        pipe.publish(wire.TICK, self._number)
        pipe.execute()
        self.sent.update(("set", "publish"))

    def _go_on(self) -> None:
        from django.db import transaction
        from django.utils import timezone

        from jobs.models import Job, Subtask

        if self._ended >= SUBTASKS:
            self._begin_anew()
        rows, seq = Subtask.objects.filter(job_id=self.job), self._ended // BATCH + 1
        ended, begun = self._ended + BATCH, min(self._begun + 2 * BATCH, SUBTASKS)
        with transaction.atomic():
            rows.filter(index__gte=self._begun, index__lt=begun, state="waiting").update(
                state="running", node=CLOCK
            )
            rows.filter(index__gte=self._ended, index__lt=ended).update(
                state="succeeded", seq=seq, result="1", finished_at=timezone.now()
            )
            state = "running" if ended < SUBTASKS else "succeeded"
            Job.objects.filter(pk=self.job).update(succeeded=ended, running=BATCH, state=state)
        self._ended, self._begun = ended, ended + BATCH
        self.committed[ended] = time.time()
        self._client.publish(wire.CHANGED, json.dumps({"jobs": [self.job], "ended": []}))
        self.sent["publish"] += 1

    def _begin_anew(self) -> None:
        from django.db.models import F

        from jobs.models import Job, Subtask

        Subtask.objects.filter(job_id=self.job).update(state="waiting", seq=0)
        Job.objects.filter(pk=self.job).update(rounds=F("rounds") + 1, succeeded=0)
        self._begun = self._ended = 0
