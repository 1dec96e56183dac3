"""A cluster of simulated nodes: launchers that sync through the API, and a Foreman's Conductor."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from rest_framework.test import APIClient

from hive_site.kernel.envelope import node_key
from hive_site.kernel.signed_requests import authorization
from nodes.domain.states import NodeState
from nodes.leadership import Leadership
from nodes.models import Node
from nodes.ports import Wakeup
from nodes.roster import Roster, Seat
from ota.conductor import Conductor
from ota.domain.states import Channel
from ota.models import Deployment, Home, Release, Rollout
from ota.services.rollouts import HINT, create_rollout, move_rollout

SYNC = "/api/v1/ota/sync/"


def make_release(version: str = "1.0", *, seq: int = 1, channel: Channel = Channel.DEV) -> Release:
    digest = f"{seq:064x}"
    return Release.objects.create(
        version=version,
        channel=channel,
        seq=seq,
        sha256=digest,
        size=1000,
        unpacked_size=3000,
        file_count=3,
    )


class FakeNode:
    """A launcher that walks its states, one for each sync. `fails` says how a release ends."""

    def __init__(self, name: str, client: APIClient, *, channels: list[str] | None = None) -> None:
        self.name, self._client = name, client
        self.channels = channels or ["dev", "stable"]
        self.active = self.previous = ""
        self.staged: str | None = None
        self.attempt: dict[str, Any] | None = None
        self.rev = 0
        self.fails: dict[str, str] = {}
        self.online = True
        #: Everything that it switched to, in order.
        self.ran: list[str] = []

    def sync(self) -> dict[str, Any]:
        """Report, and act on the answer as far as one step goes."""
        told = self.post(self.report()).json()
        self.rev = told["rev"]
        self.act(told)
        return told

    def post(self, body: dict[str, Any]):
        key = node_key(settings.HIVE_FLEET_KEY, self.name)
        header = authorization(node=self.name, key=key, method="POST", path=SYNC, now=time.time())
        return self._client.post(SYNC, body, format="json", HTTP_AUTHORIZATION=header)

    def report(self) -> dict[str, Any]:
        def slot(sha256: str | None) -> dict[str, str] | None:
            return None if sha256 is None else {"sha256": sha256, "version": sha256[-4:]}

        return {
            "schema": 1,
            "rev": self.rev,
            "phase": "idle",
            "active": slot(self.active),
            "previous": slot(self.previous),
            "staged": slot(self.staged),
            "attempt": self.attempt,
            "channels": self.channels,
        }

    def act(self, told: dict[str, Any]) -> None:
        match told["order"]:
            case "own":
                self._switch("")
            case "stage":
                self._stage(told["release"]["sha256"])
            case "activate":
                self._activate(told["release"]["sha256"])

    def _try(self, sha256: str, state: str) -> None:
        told = {"step": "", "fraction": 1.0, "code": "", "reason": ""}
        self.attempt = {"sha256": sha256, "state": state, **told}
        if state in ("failed", "rolled_back"):
            self.attempt |= {"code": "probe", "reason": "the probe failed"}

    def _stage(self, sha256: str) -> None:
        if self.fails.get(sha256) == "failed":
            self._try(sha256, "failed")
        elif sha256 != self.active:
            self.staged = sha256
            self._try(sha256, "staged")

    def _activate(self, sha256: str) -> None:
        if sha256 == self.active:
            return
        if sha256 in self.fails:
            self._try(sha256, self.fails[sha256])
            return
        self._switch(sha256)
        self._try(sha256, "healthy")

    def _switch(self, sha256: str) -> None:
        if sha256 != self.active:
            self.active, self.previous, self.staged = sha256, self.active, None
            self.ran.append(sha256)


class Cluster:
    """Nodes, and who leads. Its clock moves a second at a time."""

    def __init__(self, redis: Any, count: int = 5) -> None:
        self._client = APIClient()
        self.redis = redis
        self.now = datetime.now(UTC)
        self.roster = Roster()
        self.nodes: dict[str, FakeNode] = {}
        self.leadership = Leadership(redis, clock=lambda: self.now)
        assert self.leadership.hold(self.now)
        self.restart()
        for number in range(count):
            self.join(f"spore-{number}")

    def restart(self) -> None:
        """Another Foreman takes over: it remembers nothing."""
        self.conductor = Conductor()
        self.conductor.take_over(self.leadership, self.now)

    def join(
        self, name: str, *, managed: bool = True, labels: dict[str, str] | None = None, **facts
    ) -> FakeNode:
        Node.objects.create(name=name, set_labels=labels or {})
        self.roster.add(Seat(name, state=NodeState.ONLINE, set_labels=labels or {}))
        node = self.nodes[name] = FakeNode(name, self._client, **facts)
        node.online = managed
        if managed:
            node.sync()
        return node

    def cut(self, name: str) -> FakeNode:
        """A node is gone: nothing is heard of it any more."""
        self.nodes[name].online = False
        self.roster[name].state = NodeState.LOST
        Node.objects.filter(name=name).update(state=NodeState.LOST)
        Home.objects.filter(node=name).update(reported_at=self.now - timedelta(minutes=5))
        return self.nodes[name]

    def mend(self, name: str) -> FakeNode:
        """And there it is again."""
        self.nodes[name].online = True
        self.roster[name].state = NodeState.ONLINE
        Node.objects.filter(name=name).update(state=NodeState.ONLINE)
        return self.nodes[name]

    def conduct(self, seconds: float = 1.0) -> set[str]:
        self.now += timedelta(seconds=seconds)
        self.conductor.heed([Wakeup(HINT, "")], self.now)
        return self.conductor.conduct(self.roster, self.now)

    def step(self, *, seconds: float = 1.0) -> None:
        """The Conductor decides, and every node that is there syncs once."""
        self.conduct(seconds)
        for node in self.nodes.values():
            if node.online:
                node.sync()

    def play(self, steps: int = 15) -> None:
        for _ in range(steps):
            self.step()

    def roll_out(self, release: Release, **wish: Any) -> Rollout:
        return create_rollout(release=release.version, who="ann", now=self.now, **wish)

    def move(self, rollout: Rollout, verb: str) -> Rollout:
        return move_rollout(rollout_id=rollout.pk, verb=verb, who="ann", now=self.now)

    def active(self) -> dict[str, str]:
        """What runs where: the last letters of its digest."""
        return {name: node.active[-1:] for name, node in self.nodes.items()}


def states(rollout: Rollout) -> dict[str, str]:
    return dict(Deployment.objects.filter(rollout=rollout).values_list("node", "state"))


def state(rollout: Rollout) -> str:
    rollout.refresh_from_db()
    return rollout.state
