"""One run of the demo: submit, watch, maybe kill a Spore, measure."""

import json
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from redis import Redis

from hive_site.kernel.redis import AWAY
from jobs.client import TERMINAL, Hive
from nodes import interest, wire

LOOK_EVERY_SECONDS = 0.2


@dataclass(slots=True)
class Scene:
    """What there is to see at one moment."""

    job: dict[str, Any]
    results: list[dict[str, Any]]
    nodes: list[dict[str, Any]]
    killed: str = ""

    def done_by(self, node: str) -> int:
        """How many results a node has brought."""
        return sum(1 for r in self.results if r["node"] == node and r["state"] == "succeeded")


@dataclass(slots=True)
class Outcome:
    """How the job ended. Times are in seconds; `busy` is the sum of the subtasks' run times."""

    job: dict[str, Any]
    results: list[dict[str, Any]]
    busy: float
    wall: float
    killed: str = ""
    spores: list[str] = field(default_factory=list)

    @property
    def speed_up(self) -> float:
        """How many times faster than one after the other."""
        return self.busy / self.wall if self.wall else 0.0

    @property
    def complete(self) -> bool:
        """Whether every article was summarised and the digest was made."""
        progress = self.job["progress"]
        return self.job["state"] == "succeeded" and progress["succeeded"] == progress["total"]


def play(
    hive: Hive,
    urls: list[str],
    *,
    redis: Redis,
    spores: dict[str, int],
    chaos: bool,
    show: Callable[[Scene], None],
    stop: Callable[[], bool],
) -> Outcome:
    """Run the job to its end. `spores` maps names to process ids; `show` is told every change."""
    job = hive.submit(
        "articles.summarise",
        urls,
        kwargs={"sentences": 3},
        reduce="articles.digest",
        labels={"demo": "articles"},
    )
    killed = ""
    while True:
        job = hive.job(job["id"])
        scene = Scene(job, list(hive.results(job["id"])), read_nodes(redis), killed)
        show(scene)
        if job["state"] in TERMINAL:
            break
        if stop():
            hive.cancel(job["id"])
            raise KeyboardInterrupt
        if chaos and not killed and job["progress"]["succeeded"] >= len(urls) // 4:
            killed = kill_one(scene, spores)
        time.sleep(LOOK_EVERY_SECONDS)
    return measure(scene, sorted(spores))


def kill_one(scene: Scene, spores: dict[str, int]) -> str:
    """End a Spore that is working with SIGKILL, as a power cut would; its name."""
    working = [node["name"] for node in scene.nodes if node.get("work") and node["name"] in spores]
    name = (working or sorted(spores))[0]
    os.kill(spores[name], signal.SIGKILL)
    return str(name)


def measure(scene: Scene, spores: list[str]) -> Outcome:
    """What the run amounts to, from the times that the Hive recorded."""
    spans = [seconds_between(r["started_at"], r["finished_at"]) for r in scene.results]
    wall = seconds_between(scene.job["created_at"], scene.job["finished_at"])
    return Outcome(scene.job, scene.results, sum(spans), wall, scene.killed, spores)


def read_nodes(redis: Redis) -> list[dict[str, Any]]:
    """The nodes in the Foreman's newest picture, soon with what each of them does."""
    interest.show(redis)
    try:
        text = redis.get(wire.SNAPSHOT)
    except AWAY:
        text = None
    nodes: list[dict[str, Any]] = json.loads(text)["nodes"] if text else []
    return nodes


def seconds_between(begun: str | None, ended: str | None) -> float:
    """From one RFC 3339 time to another; 0 if either is missing."""
    if not begun or not ended:
        return 0.0
    return (datetime.fromisoformat(ended) - datetime.fromisoformat(begun)).total_seconds()
