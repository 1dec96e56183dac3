"""What surrounds an agent: a Redis that only takes notes, sensors, and slots with simple lives."""

import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from redis.exceptions import ConnectionError as RedisConnectionError

from nodes.domain.commands import Call
from nodes.spore.agent import Agent
from nodes.spore.board import Board, Work
from nodes.spore.identity import Identity
from nodes.spore.leash import Leash
from nodes.spore.line import Answer, Glance
from nodes.spore.slots import SOFT_STOP
from nodes.spore.spool import Spool
from tests.nodes.cast import SAID, wait_until

ME = Identity("spore-1", b"key", "one", 2, "1.0", labels={"site": "lab"}, capabilities=("tex",))
#: What a slot does all day, as its cell shows it.
_NOW = time.monotonic()
WORK = Work(True, 7, _NOW, _NOW + 3600, 0.5, "b1", "job_1.1", "half of it")


@dataclass
class Exchange:
    """What all lines of one agent lead to: what it said, and what it is told."""

    beats: list[dict[str, Any]] = field(default_factory=list)
    said: list[Any] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    orders: dict[str, Any] = field(default_factory=dict)
    cancelled: set[str] = field(default_factory=set)
    popped: set[str] = field(default_factory=set)
    calls: list[Call] = field(default_factory=list)
    answers: list[tuple[str, bool, dict[str, Any]]] = field(default_factory=list)
    clock_ahead_seconds: float = 0.0
    away: bool = False
    taken: bool = False
    wake_up: bool = False
    listened: int = 0
    #: How long each look would have rested, if nothing had happened.
    rests: list[float] = field(default_factory=list)
    sigterm_at: int = 0
    silence_seconds: float = 0.0
    is_over: bool = False
    #: What was put before all others on the queue, and what slots say of it.
    probes: list[str] = field(default_factory=list)
    proof: dict[str, Any] | None = None

    def open_line(self, identity: Identity) -> "FakeLine":
        self.opened.append(identity.incarnation)
        return FakeLine(self, identity)

    def pids(self) -> list[int]:
        """The slots of the last heartbeat."""
        return list(self.beats[-1]["metrics"]["pids"])

    def running(self) -> list[Any]:
        """What ran at the last heartbeat."""
        return list(self.beats[-1]["running"])


class FakeLine:
    """Looks like `nodes.spore.line.Line`."""

    def __init__(self, exchange: Exchange, identity: Identity) -> None:
        self._exchange, self._identity = exchange, identity

    def _reach(self) -> None:
        if self._exchange.away:
            raise RedisConnectionError("gone")

    def announce(self) -> None:
        self._exchange.said.append("announce")

    def is_taken(self) -> bool:
        self._reach()
        return self._exchange.taken

    def beat(self, body: dict[str, Any], tokens: set[str]) -> Answer:
        self._reach()
        self._exchange.beats.append({"incarnation": self._identity.incarnation, **body})
        clock_ms = int((time.time() + self._exchange.clock_ahead_seconds) * 1000)
        stopped = frozenset(tokens & self._exchange.cancelled)
        calls = tuple(self._exchange.calls)
        return Answer(clock_ms, dict(self._exchange.orders), stopped, calls)

    def look(self, tokens: set[str]) -> Glance:
        self._reach()
        stopped = frozenset(tokens & self._exchange.cancelled)
        clock_ms = int((time.time() + self._exchange.clock_ahead_seconds) * 1000)
        return Glance(clock_ms, self._exchange.is_over, self._exchange.silence_seconds, stopped)

    def hush(self) -> None:
        self._exchange.said.append("hush")

    def reaches_redis(self) -> bool:
        return not self._exchange.away

    def write_down(self, body: dict[str, Any], spool: Spool) -> None:
        spool.put(str(body).encode(), done=body.get("bundle"))

    def send_probe(self, probe: str, task: str, *, ttl_seconds: int) -> None:
        self._reach()
        self._exchange.probes.append(probe)

    def hear_proof(self, probe: str) -> dict[str, Any] | None:
        self._reach()
        return self._exchange.proof

    def drop_probe(self, probe: str) -> None:
        self._reach()
        self._exchange.probes[:] = [each for each in self._exchange.probes if each != probe]

    def answer(self, broadcast: str, *, ok: bool, data: dict[str, Any]) -> None:
        self._reach()
        self._exchange.answers.append((broadcast, ok, data))

    def report(self, body: dict[str, Any]) -> None:
        self._reach()
        self._exchange.said.append(body)

    def replay(self, spool: Spool) -> None:
        self._reach()
        for spooled in spool:
            self._exchange.said.append((spooled.envelope, spooled.done))
            spool.drop(spooled)

    def listen(self, seconds: float, wakers: Sequence[int] = ()) -> bool:
        self._reach()
        self._exchange.listened += 1
        self._exchange.rests.append(seconds)
        if self._exchange.listened == self._exchange.sigterm_at:
            signal.raise_signal(signal.SIGTERM)
        return self._exchange.wake_up

    def sweep(self, bundles: set[str]) -> set[str]:
        return self._exchange.popped - bundles

    def discard(self, bundle: str) -> None:
        self._exchange.said.append(f"discard {bundle}")
        self._exchange.popped.discard(bundle)

    def close(self) -> None:
        self._exchange.closed.append(self._identity.incarnation)


class FakeSensors:
    """Sensors of a machine whose only metric is who its slots are."""

    def read(self, pids: list[int]) -> dict[str, Any]:
        measured = {name: SAID[name] for name in ("cpu", "memory", "free_memory_mb", "gpus")}
        return {**measured, "metrics": {"pids": pids}}


class FakeLeash(Leash):
    """Says what it is told to say, and takes notes."""

    is_held = True

    def __init__(self) -> None:
        self.words: list[tuple[str, Any]] = []
        self.said: list[tuple[str, Any]] = []
        self.slipped = 0

    def wakers(self) -> list[int]:
        return []

    def hear(self, seconds: float = 0.0) -> list[tuple[str, Any]]:
        words, self.words = self.words, []
        return words

    def say(self, word: str, what: Any) -> None:
        self.said.append((word, what))

    def slip(self) -> None:
        self.slipped += 1

    def told(self, word: str) -> list[Any]:
        return [what for said, what in self.said if said == word]


def step_until(agent: Agent, seen: Callable[[], object], *, at: float | None = None) -> None:
    """Let the agent step, as time goes by or at one moment, until it is seen."""
    wait_until(lambda: agent.step(at or time.monotonic()) or seen())


def idle(identity: Identity, board: Board, index: int) -> None:
    """Wait for bundles until the board says stop."""
    while not board.clock()[1]:
        time.sleep(0.005)


def ready(identity: Identity, board: Board, index: int) -> None:
    """As `idle`, with tasks."""
    board[index].show_tasks("d" * 32)
    idle(identity, board, index)


def fail(identity: Identity, board: Board, index: int) -> None:
    """Break at once."""
    os._exit(1)


def busy(work: Work, *, obedient: bool = True) -> Any:
    """A life spent on one item, that ends when it is asked to only if it is obedient."""

    def live(identity: Identity, board: Board, index: int) -> None:
        def on_soft_stop(*_: Any) -> None:
            if obedient:
                board[index].write(Work())
                os._exit(0)

        signal.signal(SOFT_STOP, on_soft_stop)
        board[index].write(work)
        while True:
            time.sleep(60)

    return live
