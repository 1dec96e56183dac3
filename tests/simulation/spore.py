"""A simulated Spore: agent and slots of one machine, over the agent's real line to Redis."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from random import Random
from typing import Any

from redis.exceptions import ConnectionError as RedisConnectionError

from hive_site.kernel.envelope import node_key, seal
from hive_site.kernel.redis import Direct
from nodes import wire
from nodes.spore.board import Work
from nodes.spore.crew import stop_tokens
from nodes.spore.deadlines import FENCE_SECONDS
from nodes.spore.identity import AGENT_VERSION, Identity
from nodes.spore.line import Line, send_report
from nodes.spore.spool import Spooled
from tests.simulation.agenda import Agenda, Days, Life
from tests.simulation.client import Client
from tests.simulation.ether import Ether
from tests.simulation.slot import Slot
from tests.simulation.work import Truth

#: How often the way of a report goes wrong.
LOST, DOUBLED, BROKEN = 0.002, 0.03, 0.003


class Disk(list[Spooled]):
    """The spool of one machine; it outlives whatever runs there."""

    def drop(self, spooled: Spooled) -> None:
        self.remove(spooled)


class Spore:
    """One machine. It dies, freezes, is cut off and comes back as the world wants."""

    def __init__(
        self,
        name: str,
        *,
        slots: int,
        fleet_key: str,
        agenda: Agenda,
        ether: Ether,
        random: Random,
        truth: Truth,
    ) -> None:
        self.name, self.agenda, self.random, self.truth = name, agenda, random, truth
        self.client = Client(ether, self._gate)
        self.cancelled: frozenset[str] = frozenset()
        self.alive = self.calm = False
        self._ether, self._starts, self._disk = ether, 0, Disk()
        self._frozen_until = self._cut_off_until = 0.0
        key = node_key(fleet_key, name)
        self.identity = Identity(name, key=key, incarnation="", slots=slots, release="1")
        self.start()

    def start(self) -> None:
        """The machine is switched on."""
        if self.alive:
            return
        self._hang_up()
        self._begin()

    def die(self, *, power: bool = False) -> None:
        """Everything is killed; with `power` so that nobody hears its sockets close."""
        if self.alive:
            self.alive = False
            self._agent.end()
            for slot in self.slots:
                slot.life.end()
            if not power:
                self._hang_up()

    def freeze(self, seconds: float) -> None:
        """Nothing here gets any time, and nobody notices."""
        self._frozen_until = self.agenda.now + seconds

    def cut_off(self, seconds: float) -> None:
        """Nothing here reaches Redis."""
        self._cut_off_until = self.agenda.now + seconds

    def lose_slot(self) -> None:
        """One of its processes is killed."""
        if self.alive and self.frozen_until() <= self.agenda.now:
            slot = self.random.choice(self.slots)
            self.truth.crash(slot.work.attempt)
            self.bury(slot, "SIGKILL")

    def frozen_until(self) -> float:
        """When its lives go on."""
        return self._frozen_until

    def hear_push(self) -> None:
        """A bundle came into its queue."""
        if self.alive:
            for slot in self.slots:
                if not slot.work.bundle:
                    slot.life.wake(self.random.uniform(0, 0.05))

    def hear_order(self) -> None:
        """Somebody wants its agent to look."""
        if self.alive:
            self._beat_at = 0.0
            self._agent.wake(self.random.uniform(0, 0.05))

    def say(self, body: dict[str, Any], *, done: str | None) -> None:
        """Send a slot's report, or keep it on disk."""
        text = json.dumps(body, separators=(",", ":"))
        envelope = seal(text, key=self.identity.key, purpose=wire.PURPOSE_REPORT)
        luck = 1.0 if self.calm else self.random.random()
        try:
            send_report(Direct(self.client), self.name, envelope, done=done)
            if luck < LOST:
                self._ether.lose_newest(wire.report_key(self.name))
            elif luck < DOUBLED:
                self.client.xadd(wire.report_key(self.name), {"e": envelope})
        except RedisConnectionError:
            self._disk.append(Spooled(path=None, envelope=envelope, done=done))
            self._agent.wake(0.1)

    def bury(self, slot: Slot, how: str, why: str = "crashed") -> None:
        """A slot's process ended: tell of it, start another."""
        slot.life.end()
        if slot.work.bundle:
            event = {"k": "died", "a": slot.work.attempt, "why": why, "how": how}
            self._outbox.append({"bundle": slot.work.bundle, "events": [event]})
        self.slots[self.slots.index(slot)] = Slot(self)
        self._agent.wake(0.1)

    def _begin(self) -> None:
        self._starts += 1
        incarnation = f"{self.name}.{self._starts}"
        self.identity = replace(self.identity, incarnation=incarnation)
        self.alive = True
        self._line = Line(self.client, self.identity)
        self._outbox: list[dict[str, Any]] = []
        self._orphans: set[str] = set()
        self._beat_at, self._heard_at, self._announced = 0.0, self.agenda.now, False
        self.cancelled = frozenset()
        self.slots = [Slot(self) for _ in range(self.identity.slots)]
        self._agent = Life(self.agenda, self._tend(), self.frozen_until)

    def _tend(self) -> Days:
        while True:
            if self.agenda.now - self._heard_at >= FENCE_SECONDS:
                self._fence()
            try:
                self._step()
            except RedisConnectionError:
                yield 0.5
            else:
                yield wire.BEAT_SECONDS

    def _fence(self) -> None:
        for slot in list(self.slots):
            if slot.work.busy and slot.work.careful:
                self.bury(slot, "SIGKILL", why="fenced")

    def _step(self) -> None:
        self._subscribe()
        self._line.replay(self._disk)
        while self._outbox:
            body = self._outbox[0]
            self._line.report(body)
            self._line.discard(body["bundle"])
            self._outbox.pop(0)
        if self.agenda.now - self._beat_at >= wire.BEAT_SECONDS:
            self._beat()

    def _beat(self) -> None:
        works = [slot.work for slot in self.slots]
        tokens = {token for work in works if work.busy for token in stop_tokens(work)}
        answer = self._line.beat(self._body(works), tokens)
        self._beat_at = self._heard_at = self.agenda.now
        if answer.orders.get("over") == self.identity.incarnation:
            self.die()
            self._begin()
            return
        self.cancelled = answer.cancelled
        for slot in self.slots:
            if not self.cancelled.isdisjoint(stop_tokens(slot.work)):
                slot.interrupt()
        self._sweep()
        if not self._announced:
            self._line.announce()
            self._announced = True

    def _sweep(self) -> None:
        orphans = self._line.sweep({slot.work.bundle for slot in self.slots})
        for bundle in sorted(orphans & self._orphans):
            self._outbox.append({"bundle": bundle, "events": [{"k": "back", "all": True}]})
        self._orphans = orphans - self._orphans

    def _body(self, works: list[Work]) -> dict[str, Any]:
        running = [(w.attempt, w.started, 0.0, "") for w in works if w.busy]
        busy = len(running) / len(works)
        return {
            "cpu": busy,
            "memory": 0.3,
            "free_memory_mb": 4096,
            "gpus": [],
            "metrics": {},
            "slots": len(works),
            "labels": {},
            "capabilities": [],
            "release": "1",
            "agent_version": AGENT_VERSION,
            "platform": "simulated",
            "running": running,
        }

    def _subscribe(self) -> None:
        name = wire.client_name(self.name, self.identity.incarnation)
        if (me := (name, wire.control_channel(self.name))) not in self._ether.connected:
            self._ether.connected.append(me)

    def _hang_up(self) -> None:
        mine = wire.control_channel(self.name)
        self._ether.connected = [(n, c) for n, c in self._ether.connected if c != mine]

    @contextmanager
    def _gate(self, commands: int) -> Iterator[int]:
        if self._ether.down or self.agenda.now < self._cut_off_until:
            raise RedisConnectionError("away")
        reach = commands
        if not self.calm and self.random.random() < BROKEN:
            reach = self.random.randint(0, commands)
            yield reach
            raise RedisConnectionError("broke off")
        yield reach
