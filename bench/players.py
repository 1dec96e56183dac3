"""Nodes that are played by one process: they beat, pop bundles and report, and run nothing.

What a Foreman sees of them is what it sees of Spores: signed heartbeats every two seconds (not
all at once), bundles that leave their queues, signed reports when the time of an item is over.
How long an item takes is drawn at random; a heap says which ends next.
"""

import json
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from random import Random
from typing import Any

from redis.client import Pipeline

from hive_site.kernel.envelope import node_key, seal, unseal
from hive_site.kernel.redis import connect, load_script
from jobs.wire import Bundle, read_bundle
from nodes import wire
from nodes.spore.line import BEAT_TTL_SECONDS

POP = Path(__file__).with_name("pop_all.lua")
#: A slot that waits is served after so long; once nothing came, seldom.
STEP_SECONDS, IDLE_STEP_SECONDS = 0.01, 0.05
#: Items take between so much and so much of their mean.
SHORTEST, LONGEST = 0.8, 1.2
RACKS = 20


@dataclass(slots=True, eq=False)
class Played:
    """One node."""

    name: str
    key: bytes
    slots: int
    incarnation: str = field(default_factory=lambda: secrets.token_hex(8))
    #: What its slots work on: the bundle, with when its first item began.
    works: dict[str, tuple[Bundle, float]] = field(default_factory=dict)

    def seal(self, body: dict[str, Any], purpose: str) -> bytes:
        """A message of this node."""
        whole = {"v": wire.PROTOCOL, "incarnation": self.incarnation, **body}
        text = json.dumps(whole, ensure_ascii=False, separators=(",", ":"))
        return seal(text, key=self.key, purpose=purpose)

    def describe(self, random: Random, tasks: str) -> dict[str, Any]:
        """What nodes/spore/works.py and sensors.py would say of it."""
        load = len(self.works) / self.slots
        traffic = int(time.time() * 10_000)
        return {
            "host": f"machine-{self.name}",
            "cpu": round(min(1.0, 0.8 * load + 0.1 * random.random()), 3),
            "memory": round(0.3 + 0.4 * load + 0.05 * random.random(), 3),
            **{"free_memory_mb": 12_000, "total_memory_mb": 16_000, "gpus": []},
            "metrics": {
                "load": round(self.slots * load, 2),
                "disk": 0.41,
                "network": {"sent": traffic, "received": 3 * traffic},
                "slot_rss_mb": [64 + n for n in range(self.slots)],
            },
            "slots": self.slots,
            "labels": {"rack": f"r{int(self.name[-4:]) % RACKS}", "kind": "played"},
            **{"capabilities": ["ffmpeg"], "release": "1.0.0", "agent_version": "1"},
            **{"platform": "Linux-6.1-x86_64", "trouble": "", "tasks": tasks},
            "running": [(bundle.first, begun, 0.0, "") for bundle, begun in self.works.values()],
            **{"held_mb": [], "elders": 0},
        }


class Company:
    """All of them. `done` is told the seconds of all items that ended."""

    def __init__(
        self,
        url: str,
        fleet_key: str,
        names: Sequence[str],
        *,
        slots: int,
        seconds: float,
        tasks: str,
        done: "Synchronized[float]",
        random: Random,
    ) -> None:
        self._client = connect(url, name="played", patient=True)
        self._pop = load_script(self._client, POP)
        self._nodes = {name: Played(name, node_key(fleet_key, name), slots) for name in names}
        self._free = dict.fromkeys(names, slots)
        self._seconds, self._random, self._done = seconds, random, done
        self._tasks = wire.digest_tasks(tasks)
        self._client.set(wire.tasks_key(self._tasks), tasks)
        # One subscription for all: it proves that their agents live.
        self._ear = connect(url, name="played").pubsub(ignore_subscribe_messages=True)
        self._ear.subscribe(*map(wire.control_channel, names))
        self._ends: list[tuple[float, str, str]] = []
        now = time.time()
        self._beats = [(now + random.random() * wire.BEAT_SECONDS, name) for name in sorted(names)]
        self._beats.sort()

    def play(self) -> None:
        """Until this process is ended."""
        for name in self._nodes:
            self._client.xadd(wire.INBOX, {"what": "joined", "subject": name})
        rest = STEP_SECONDS
        while True:
            begun = time.time()
            busy = self._step(begun)
            rest = STEP_SECONDS if busy else min(2 * rest, IDLE_STEP_SECONDS)
            time.sleep(max(begun + rest - time.time(), 0))

    def _step(self, now: float) -> bool:
        """What is due by now; whether slots were given work, or ended some."""
        while self._ear.get_message(timeout=0):
            pass
        pipe = self._client.pipeline(transaction=False)
        while self._beats[0][0] <= now:
            at, name = heappop(self._beats)
            self._beat(self._nodes[name], pipe)
            heappush(self._beats, (max(at + wire.BEAT_SECONDS, now), name))
        ended = 0
        while self._ends and self._ends[0][0] <= now:
            _, name, bundle = heappop(self._ends)
            self._report(self._nodes[name], bundle, pipe)
            ended += 1
        pipe.execute()
        return bool(self._begin(time.time())) or ended > 0

    def _beat(self, node: Played, pipe: Pipeline) -> None:
        envelope = node.seal(node.describe(self._random, self._tasks), wire.PURPOSE_BEAT)
        beat_key = wire.beat_key(node.name)
        pipe.xadd(beat_key, {"e": envelope}, maxlen=1, approximate=False)
        pipe.expire(beat_key, BEAT_TTL_SECONDS)
        pipe.sadd(wire.NODES, node.name)
        pipe.get(wire.orders_key(node.name))
        pipe.lpop(wire.commands_key(node.name), 16)

    def _begin(self, now: float) -> int:
        """Give free slots what waits for them; how many bundles that were."""
        names = list(self._free)
        keys = [wire.queue_key(name) for name in names]
        popped = self._pop(keys=keys, args=[self._free[name] for name in names]) if names else []
        for place, name, envelope in popped:
            node = self._nodes[names[place - 1]]
            body = unseal(envelope, key=node.key, purpose=wire.PURPOSE_BUNDLE)
            bundle = read_bundle(body, node=node.name, incarnation=node.incarnation)
            node.works[name.decode()] = bundle, now
            takes = self._seconds * len(bundle.items)
            takes *= self._random.uniform(SHORTEST, LONGEST)
            heappush(self._ends, (now + takes, node.name, name.decode()))
            self._count(node)
        return len(popped)

    def _report(self, node: Played, bundle_id: str, pipe: Pipeline) -> None:
        """As `jobs/spore/reporter.py` and `nodes/spore/line.py` do at the end of a bundle."""
        bundle, begun = node.works.pop(bundle_id)
        each = (time.time() - begun) / len(bundle.items)
        ok = [
            (bundle.first + n, begun + n * each, begun + (n + 1) * each, json.dumps(item[3]))
            for n, item in enumerate(bundle.items)
        ]
        body = {"bundle": bundle_id, "job": bundle.job, "ok": ok, "events": []}
        envelope = node.seal(body, wire.PURPOSE_REPORT)
        pipe.xadd(wire.report_key(node.name), wire.pieces("e", envelope))
        pipe.lrem(wire.intermediate_key(node.name), 1, bundle_id)
        pipe.delete(wire.bundle_key(bundle_id))
        self._done.value += each * len(bundle.items)
        self._count(node)

    def _count(self, node: Played) -> None:
        free = node.slots - len(node.works)
        if free > 0:
            self._free[node.name] = free
        else:
            self._free.pop(node.name, None)


def play(  # what a process of its own is started with
    url: str,
    fleet_key: str,
    names: Sequence[str],
    slots: int,
    seconds: float,
    tasks: str,
    done: "Synchronized[float]",
) -> None:
    """Play these nodes until this process is ended."""
    company = Company(
        url,
        fleet_key,
        names,
        slots=slots,
        seconds=seconds,
        tasks=tasks,
        done=done,
        random=Random(1),
    )
    company.play()
