"""A cluster without machines: Spores as Redis sees them, and work that only takes notes."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from hive_site.kernel.envelope import node_key, seal
from nodes import wire
from nodes.domain.states import NodeState
from nodes.leadership import Leadership
from nodes.ports import Mail, Totals, Wakeup
from nodes.roster import Roster
from tests.contracts.redis import Broker

FLEET_KEY = "the key of the test fleet"
START = datetime(2026, 1, 1, tzinfo=UTC)
PATIENCE_SECONDS = 20
SAID = {
    "slots": 2,
    "cpu": 0.25,
    "memory": 0.5,
    "free_memory_mb": 2000,
    "labels": {},
    "capabilities": [],
    "gpus": [],
    "release": "1.0",
    "agent_version": "1",
    "platform": "Linux",
    "running": [],
    "metrics": {},
}


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def wait_until(seen: Callable[[], object]) -> None:
    """Come back as soon as it is seen; fail if it never is."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while not seen():
        assert time.monotonic() < give_up_at, "it never came"
        time.sleep(0.005)


class Spore:
    """What one start of a Spore leaves in Redis."""

    def __init__(self, broker: Broker, name: str = "spore-1", *, incarnation: str = "one") -> None:
        self.name, self.incarnation = name, incarnation
        self._admin = broker.open(name="admin")
        self._client_name = wire.client_name(name, incarnation)
        self._client = broker.open(name=self._client_name)
        self._ear = self._client.pubsub()
        self._beat_ms = 0

    def beat(self, *, ago: float = 0.0, **said: Any) -> "Spore":
        """A heartbeat that reached Redis `ago` seconds ago."""
        seconds, micros = self._admin.time()
        at = seconds * 1000 + micros // 1000 - int(ago * 1000)
        self._beat_ms = at if ago else max(at, self._beat_ms + 1)
        self.seal_beat({**SAID, **said})
        return self

    def seal_beat(self, body: dict[str, Any], **options: Any) -> None:
        """Any heartbeat, signed in any way."""
        stream = wire.beat_key(self.name)
        self._admin.delete(stream)
        envelope = self.seal(body, **{"purpose": wire.PURPOSE_BEAT, **options})
        self._admin.xadd(stream, {"e": envelope}, id=f"{self._beat_ms or 1}-0")
        self._admin.sadd(wire.NODES, self.name)

    def seal(
        self, body: dict[str, Any], *, purpose: str, version: int = wire.PROTOCOL, by: str = ""
    ) -> bytes:
        """A message as this Spore signs it, or as another node does."""
        whole = {"v": version, "incarnation": self.incarnation, **body}
        key = node_key(FLEET_KEY, by or self.name)
        return seal(json.dumps(whole), key=key, purpose=purpose)

    def listen(self) -> "Spore":
        """Open the sockets that prove that it lives."""
        self._ear.subscribe(wire.control_channel(self.name))
        wait_until(lambda: self._ear.get_message(timeout=1))
        return self

    def connect(self) -> "Spore":
        """Open a socket that bears its name."""
        self._client.ping()
        return self

    def go_deaf(self) -> "Spore":
        """Lose the subscription, but stay connected."""
        self._client.ping()
        self._ear.close()
        channel = wire.control_channel(self.name)
        wait_until(lambda: not self._admin.pubsub_numsub(channel)[0][1])
        return self

    def vanish(self) -> "Spore":
        """All its processes die: the kernel closes their sockets."""
        self._ear.close()
        self._client.connection_pool.disconnect()
        wait_until(lambda: self._client_name not in {c["name"] for c in self._admin.client_list()})
        return self

    def report(self, body: dict[str, Any] | None = None, **options: Any) -> str:
        """Put a report on its stream; the entry's id."""
        envelope = self.seal(body or {}, **{"purpose": wire.PURPOSE_REPORT, **options})
        return self.put({"e": envelope})

    def put(self, fields: dict[str, Any]) -> str:
        """Put anything on its report stream; the entry's id."""
        return str(self._admin.xadd(wire.report_key(self.name), fields).decode())


class Work:
    """A workload of which only the calls are kept, in `calls`; `outage` is raised by `record`
    or whatever else is named. Every start of a node is believed to hold work until it is
    reclaimed."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []
        self.outage: dict[str, Exception] = {}
        self.due, self.flying = timedelta(seconds=1), 0
        self.done = Totals()
        self._holders: dict[str, str] = {}

    def names(self) -> list[str]:
        return [name for name, _ in self.calls]

    def of(self, name: str) -> list[Any]:
        """What one verb was called with."""
        return [about for called, about in self.calls if called == name]

    def _note(self, name: str, about: Any = None) -> None:
        if name in self.outage:
            raise self.outage[name]
        self.calls.append((name, about))

    def take_over(self, leadership: Leadership, now: datetime) -> None:
        self._note("take_over", leadership.epoch)

    def record(self, mail: Mail, now: datetime) -> None:
        self._note("record", [report.body.get("n") for report in mail.reports])

    def heed(self, wakeups: list[Wakeup], now: datetime) -> None:
        self._note("heed", [wakeup.subject for wakeup in wakeups])

    def reclaim(self, node: str, reason: str, now: datetime) -> int:
        self._note("reclaim", (node, reason))
        self._holders[node] = ""
        return 0

    def stranded(self, roster: Roster) -> dict[str, str]:
        found = {}
        for seat in roster:
            holder = self._holders.setdefault(seat.name, seat.beat.incarnation)
            if holder and seat.state is NodeState.LOST:
                found[seat.name] = seat.reason
            elif holder and holder != seat.beat.incarnation:
                found[seat.name] = "started anew"
            elif seat.state is not NodeState.LOST:
                self._holders[seat.name] = seat.beat.incarnation
        return found

    def distrust(self, node: str, now: datetime) -> None:
        self._note("distrust", node)

    def recount(self, roster: Roster, now: datetime) -> None:
        self._note("recount")

    def dispatch(self, roster: Roster, now: datetime) -> int:
        self._note("dispatch", sorted(seat.name for seat in roster if seat.placeable))
        return 0

    def housekeep(self, roster: Roster, now: datetime) -> None:
        self._note("housekeep")

    def next_due(self, now: datetime) -> timedelta:
        return self.due

    def snapshot(self, now: datetime) -> dict[str, Any]:
        return {"active_subtasks": 3, "queues": {}, "throughput": {}}

    def totals(self) -> Totals:
        return self.done

    def in_flight(self) -> int:
        return self.flying

    def busy(self, node: str) -> int:
        return int(node == "spore-1")

    def work_of(self, node: str) -> list[dict[str, Any]]:
        self._note("work_of", node)
        return [{"job": "job_1", "index": 0}] if node == "spore-1" else []
