"""A slot on a stage: real bundles and a real board, a Redis in memory, tasks of the test's own."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fakeredis
import pytest
from redis import ConnectionError
from redis.backoff import NoBackoff
from redis.retry import Retry

from hive_site.kernel import redis
from hive_site.kernel.envelope import node_key, seal, unseal
from jobs.registry import Registry, Task
from jobs.spore import serving
from jobs.spore import slot as module
from jobs.wire import Piece, bundle_id, compose
from nodes import wire
from nodes.spore.board import Board
from nodes.spore.identity import Identity
from nodes.spore.line import send_report
from nodes.spore.spool import Spool

FLEET_KEY, NODE = "fleet", "spore-1"
ME = Identity(
    name=NODE,
    key=node_key(FLEET_KEY, NODE),
    incarnation="first",
    slots=1,
    release="1.0",
    platform="stage",
)
#: How RQ sees the slot.
WORKER = f"rq:worker:{NODE}.{ME.incarnation}.{os.getpid()}"
#: When bundles are made, unless a test says otherwise: so late that none is too old.
LATE = 4e9
PATIENCE_SECONDS = 20


def echo(ctx: object, item: Any) -> Any:
    """The simplest task."""
    return item


def until(holds: Callable[[], Any], *, what: str) -> Any:
    """What `holds` returns once it is true; fails with `what` was waited for."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while not (found := holds()):
        if time.monotonic() > give_up_at:
            raise AssertionError(f"never came: {what}")
        time.sleep(0.002)
    return found


class RestlessServer(fakeredis.FakeServer):
    """A Redis that is away for as many looks as `absent` says."""

    absent = 0

    @property
    def connected(self) -> bool:
        self.absent, there = max(self.absent - 1, 0), not self.absent
        return there

    @connected.setter
    def connected(self, value: bool) -> None:
        """It decides for itself."""


class Client(fakeredis.FakeRedis):
    """One whose connection breaks at certain keys, once at each."""

    traps: set[str]

    def expire(self, name: str, *args: Any, **options: Any) -> Any:
        self.tread(name)
        return super().expire(name, *args, **options)

    def tread(self, name: str) -> None:
        if name in self.traps:
            self.traps.remove(name)
            raise ConnectionError("cut off")


class Direct(redis.Direct):
    """The kernel's, over such a client."""

    _client: Client

    def ask(self, *commands: Any) -> list[Any]:
        for words in commands:
            self._client.tread(words[1])
        answers = super().ask(*commands)
        if commands[0][0] == "BLMOVE":
            assert answers[0], "everything was run, and nothing told the slot to end"
        return answers


def connect_to(
    server: fakeredis.FakeServer, *, patient: bool = False, traps: set[str] | None = None
) -> Client:
    """What the kernel's `connect` gives: it tries again only if it is patient."""
    client = Client(server=server, retry=Retry(NoBackoff(), 3 if patient else 0))
    client.traps = set() if traps is None else traps
    return client


class Stage:
    """One slot, its Redis, and the Foreman's side of both."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
        self.server, self.board, self.registry = RestlessServer(), Board(1), Registry()
        self.traps: set[str] = set()
        self.spool = Spool(home / "spool")
        self.redis = self.connect("")
        monkeypatch.setattr(module, "connect", self.connect)
        monkeypatch.setattr(module, "Direct", Direct)
        monkeypatch.setattr("jobs.registry.load_tasks", lambda modules: self.registry)
        self.add("stage.exit", self.exit)
        self._next_attempt = 100

    def connect(self, url: str, *, patient: bool = False, **_: Any) -> Client:
        """What the kernel's `connect` gives, here."""
        return connect_to(self.server, patient=patient, traps=self.traps)

    def add(self, name: str, run: Callable[..., Any]) -> None:
        """Make a task known to the slot."""
        self.registry.add(Task(name=name, run=run))

    def exit(self, ctx: object = None, item: object = None) -> None:
        """The slot is to end after what it runs now."""
        self.board.set_clock(offset_seconds=self.board.clock()[0], stopping=True)

    def send(self, task: str, items: list[Any], *, key: bytes = ME.key, **changes: Any) -> str:
        """Push a bundle as the Foreman does; its id."""
        first = self._next_attempt
        self._next_attempt += len(items)
        rows = enumerate(items)
        fields: dict[str, Any] = {
            **{"node": NODE, "incarnation": ME.incarnation, "job": "job_1", "task": task},
            **{"stop_token": "job_1.1", "total": 10, "timeout": 60, "first": first},
            **{"kwargs": "{}", "gpus": (), "idempotent": True, "now": LATE},
            "pieces": [Piece(1000 + n, n, 1, json.dumps(item)) for n, item in rows],
        }
        text = compose(**{**fields, **changes})
        return self.push(bundle_id(NODE, first), seal(text, key=key, purpose=wire.PURPOSE_BUNDLE))

    def push(self, bundle: str, envelope: bytes) -> str:
        self.redis.hset(wire.bundle_key(bundle), "data", envelope)
        self.redis.rpush(wire.queue_key(NODE), bundle)
        return bundle

    def serve(self, *, absent: int = 0) -> None:
        """Let a slot run everything that was sent; Redis is away at first if so wished."""
        self.send("stage.exit", [None], now=2 * LATE, stop_token="stage")
        self.server.absent = absent
        serving.serve_slot(ME, self.board, 0, url="", modules=[], spool=self.spool)
        self.deliver()

    def deliver(self) -> None:
        """Send what waits on disk, as the agent does once Redis is back."""
        for spooled in self.spool:
            send_report(Direct(self.redis), NODE, spooled.envelope, done=spooled.done)
            self.spool.drop(spooled)

    def reports(self) -> list[dict[str, Any]]:
        """What the Foreman would read, without the stage's own bundle."""
        entries = self.redis.xrange(wire.report_key(NODE))
        bodies = [
            unseal(wire.whole("e", fields), key=ME.key, purpose=wire.PURPOSE_REPORT)
            for _, fields in entries
        ]
        exit_ = bundle_id(NODE, self._next_attempt - 1)
        return [body for body in bodies if body["bundle"] != exit_]

    def results(self) -> dict[int, Any]:
        """The results that were reported, by attempt."""
        rows = [row for body in self.reports() for row in body["ok"]]
        return {attempt: json.loads(text) for attempt, _, _, text in rows}

    def events(self) -> list[dict[str, Any]]:
        """Everything that was reported but successes."""
        return [event for body in self.reports() for event in body["events"]]

    def errors(self) -> dict[int, dict[str, Any]]:
        """The events of attempts that ended badly, by attempt."""
        return {event["a"]: event for event in self.events() if "a" in event}

    def popped(self) -> list[bytes]:
        """The bundles that were popped and are not done."""
        return list(self.redis.lrange(wire.intermediate_key(NODE), 0, -1))
