"""Nodes that are played: they beat, hear, download and report as launchers do, and run nothing."""

import json
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from hive_site.configuration import find_fleet_key
from hive_site.kernel.env import Env
from hive_site.kernel.envelope import node_key, seal, unseal
from hive_site.kernel.redis import connect
from hive_site.stack.stack import Stack
from nodes import wire
from ota.spore.nexus import NexusClient

INCARNATION = "played"
BEAT = {
    "slots": 1,
    "cpu": 0.1,
    "memory": 0.1,
    "free_memory_mb": 4096,
    "labels": {"fleet": "played"},
    "capabilities": [],
    "gpus": [],
    "release": "0",
    "agent_version": "1",
    "platform": "played",
    "running": [],
    "tasks": "",
    "metrics": {},
}


class Played:
    """One node. `look` does what its orders say, in a thread of its own."""

    def __init__(self, name: str, key: bytes, nexus: str) -> None:
        self.name, self.key, self.requests = name, key, 0
        self._client = NexusClient(nexus, name, key)
        self._active = self._before = {"sha256": "", "version": "0"}
        self._staged: dict[str, str] | None = None
        self._rev, self._pinned = 0, False
        self._turn = threading.Lock()

    def look(self) -> None:
        """Ask what is wanted, and get there."""
        with self._turn:
            answer = self._sync("idle", None)
            release = answer["release"]
            if answer["order"] == "none" or not release:
                return
            mine = {"sha256": release["sha256"], "version": release["version"]}
            self._rev = answer["rev"]
            if mine == self._active:
                return
            if mine != self._staged:
                self._fetch(release, mine)
                answer = self._sync("staged", self._attempt("staged"))
                self._rev = answer["rev"]
            if answer["order"] == "activate":
                self._before, self._active = self._active, mine
                time.sleep(answer["terms"]["probation"])
                self._sync("idle", self._attempt("healthy"))

    def _fetch(self, release: dict[str, Any], mine: dict[str, str]) -> None:
        if not self._pinned:
            self._client.root()
            self._pinned = True
        self._client.metadata(0)
        with self._client.open_package(release["sha256"], 0, "") as body:
            size = sum(len(piece) for piece in body.pieces())
        if size != release["size"]:
            raise SystemExit(f"bench: {size} bytes of {release['size']}")
        self._staged = mine
        self.requests += 3

    def _attempt(self, state: str) -> dict[str, Any]:
        about = self._staged or self._active
        told = {"sha256": about["sha256"], "state": state, "code": "", "reason": ""}
        return {**told, "step": "", "fraction": 0.0}

    def _sync(self, phase: str, attempt: dict[str, Any] | None) -> dict[str, Any]:
        self.requests += 1
        return self._client.sync(
            {
                "schema": 1,
                "rev": self._rev,
                "phase": phase,
                "active": self._active,
                "previous": self._before,
                "staged": self._staged,
                "attempt": attempt,
                "quarantine": [],
                "channels": ["dev"],
                "floor": {},
                "python": "3.11.0",
                "arch": "x86_64",
                "free_mb": 1000,
                "launcher": "1",
                "trust": {"root": 1, "expires": 0},
            }
        )


class Fleet:
    """So many of them."""

    def __init__(self, stack: Stack, count: int) -> None:
        key = find_fleet_key(Env({}), stack.data)
        names = [f"played-{number:03}" for number in range(count)]
        nexus = stack.ready["nexus"]
        self._nodes = {name: Played(name, node_key(key, name), nexus) for name in names}
        url = stack.ready["redis_url"]
        self._client = connect(url, name="played")
        self._ear = connect(url).pubsub(ignore_subscribe_messages=True)
        self._ear.subscribe(*map(wire.control_channel, names))
        self._revs = dict.fromkeys(names, 0)
        self._over = threading.Event()
        for node in self._nodes.values():
            self._start(node.look)
        for work in (self._beat, self._listen):
            self._start(partial(self._repeat, work))

    @property
    def requests(self) -> int:
        """All that were sent to the Nexus."""
        return sum(node.requests for node in self._nodes.values())

    def stop(self) -> None:
        """End them."""
        self._over.set()

    def _start(self, work: Callable[[], None]) -> None:
        threading.Thread(target=work, daemon=True).start()

    def _repeat(self, work: Callable[[], None]) -> None:
        while not self._over.is_set():
            work()

    def _beat(self) -> None:
        pipe = self._client.pipeline(transaction=False)
        for name, node in self._nodes.items():
            body = {"v": wire.PROTOCOL, "incarnation": INCARNATION, **BEAT}
            sealed = seal(json.dumps(body), key=node.key, purpose=wire.PURPOSE_BEAT)
            pipe.xadd(wire.beat_key(name), {"e": sealed}, maxlen=1, approximate=False)
            pipe.sadd(wire.NODES, name)
        pipe.execute()
        self._look_at_orders()
        self._over.wait(wire.BEAT_SECONDS)

    def _listen(self) -> None:
        if self._ear.get_message(timeout=0.5):
            self._look_at_orders()

    def _look_at_orders(self) -> None:
        orders = self._client.mget([wire.orders_key(name) for name in self._nodes])
        for (name, node), envelope in zip(self._nodes.items(), orders, strict=True):
            if not envelope:
                continue
            body = unseal(envelope, key=node.key, purpose=wire.PURPOSE_ORDER)
            if (rev := int(body.get("ota_rev", 0))) > self._revs[name]:
                self._revs[name] = rev
                self._start(node.look)
