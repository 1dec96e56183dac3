"""A Hive of three machines and one leader; the rules of the state machine pull its strings."""

from datetime import UTC, datetime, timedelta
from typing import Any

from jobs.domain.backlog import Order
from jobs.domain.retry import Policy
from nodes import wire
from nodes.domain.placement import Demand
from nodes.domain.states import NodeState
from nodes.roster import Roster
from tests.jobs.domain.machine import Machine
from tests.jobs.domain.stage import set_stage
from tests.jobs.domain.table import Table
from tests.jobs.domain.tiny_leader import Leader
from tests.simulation.ether import Ether

START = 1_900_000_000.0


class TinyHive:
    """All of it."""

    def __init__(self) -> None:
        self.now = datetime.fromtimestamp(START, UTC)
        self.ether = Ether(self._clock)
        self.table, self.starts = Table(), dict[int, list[int]]()
        self.machines = {name: Machine(name, self.ether, self.starts) for name in "abc"}
        self.roster = Roster(machine.seat for machine in self.machines.values())
        for machine in self.machines.values():
            machine.beat()
        #: Reports that were sent and not read: node and body.
        self.mail: list[tuple[str, dict[str, Any]]] = []
        self.epoch = 0
        self._stage = set_stage(self.table)
        self.lead_anew()

    def close(self) -> None:
        self._stage.close()

    def submit(self, kind: str, *, items: int, retries: int, reduce: bool, fail_fast: bool) -> None:
        """A new job of which the leader knows. Kind: work, careful or once."""
        job = f"job_{len(self.table.jobs)}"
        order = Order(
            job=job,
            task="t",
            queue="background",
            rank=0,
            priority=5,
            total=items,
            timeout=60,
            kwargs="{}",
            reduce="t" if reduce else "",
            policy=Policy(retries, (1,), at_most_once=kind == "once"),
            demand=Demand(),
            idempotent=kind == "work",
            alone=kind == "once",
            fail_fast=fail_fast,
            stop_token=f"{job}.1",
        )
        self.table.submit(order, reduce=reduce)
        self.leader.admit(job)

    def send(self) -> None:
        """The leader places what it can, and slots take what they can."""
        self.leader.send()
        for machine in self.machines.values():
            machine.pop()

    def find_again(self) -> None:
        """The leader reminds Redis of its epoch, waits for heartbeats, and counts."""
        self.ether.set(wire.EPOCH, self.epoch)
        for machine in self.machines.values():
            if machine.seat.state is NodeState.ONLINE:
                machine.beat()
        self.leader.search.recount(self.roster, self.now)

    def lead_anew(self) -> None:
        """A new Foreman takes over; the old one is left as it is."""
        self.epoch += 1
        self.ether.set(wire.EPOCH, self.epoch)
        self.leader = Leader(self, self.epoch)
        self.leader.take_over()

    def rest(self, seconds: float) -> None:
        """Time passes, machines beat, the leader looks around."""
        self.now += timedelta(seconds=seconds)
        for machine in self.machines.values():
            if machine.seat.state is not NodeState.SUSPECT:
                machine.beat()
        self.leader.look_around()

    def _clock(self) -> float:
        return self.now.timestamp()

    def picture(self) -> dict[str, Any]:
        """Everything that can be seen."""
        return {
            "rows": list(map(repr, self.table.rows.values())),
            "jobs": [(job, row.state, dict(row.counts)) for job, row in self.table.jobs.items()],
            "flight": list(map(repr, self.leader.memory.flight)),
            "redis": {key: self.ether.type(key) for key in self.ether.scan_iter("*")},
            "queues": [self.ether.lrange(wire.queue_key(node), 0, -1) for node in self.machines],
        }
