"""`python -m bench.crowd COUNT SECONDS PORT KEY JOB`: so many who watch everything, as pages do.

Says "ready" once all of them know the whole, and at the end what they were told, as one line of
JSON: bytes, texts, lags of pictures (seconds), and when they heard how far the job was.
"""

import asyncio
import json
import sys
import time
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from bench.nexus import HOST
from bench.puppets import CLOCK


class Watcher:
    """One socket."""

    def __init__(self, job: str) -> None:
        self.topics = {"figures", "nodes", "jobs", f"job:{job}"}
        self.job, self.unseen = f"job:{job}", set(self.topics)
        self.ready = asyncio.Event()
        self.bytes = self.texts = 0
        self.lags: list[float] = []
        self.heard: list[tuple[int, float]] = []

    async def watch(self, socket: ClientConnection) -> None:
        """Read until it is cancelled."""
        async for text in socket:
            self._learn(json.loads(text), time.time())
            if self.ready.is_set():
                self.bytes, self.texts = self.bytes + len(text), self.texts + 1

    def _learn(self, message: dict[str, Any], now: float) -> None:
        topic = message.get("topic")
        self.unseen.discard(topic)
        if not self.unseen:
            self.ready.set()
        if topic == "nodes" and (node := message["set"].get(CLOCK)):
            self.lags.append(now - float(node["reason"]))
        elif topic == self.job and (job := message["set"].get("job")):
            self.heard.append((job["succeeded"], now))


async def watch_all(count: int, seconds: float, port: int, key: str, job: str) -> dict[str, Any]:
    """So many of them for so long."""
    watchers = [Watcher(job) for _ in range(count)]
    query = "&".join(f"watch={topic}" for topic in sorted(watchers[0].topics))
    url = f"ws://{HOST}:{port}/ws/live/?{query}"
    shown = {"Authorization": f"Bearer {key}"}
    sockets = [
        await connect(url, additional_headers=shown, max_size=None, open_timeout=60)
        for _ in watchers
    ]
    pairs = zip(watchers, sockets, strict=True)
    tasks = [asyncio.create_task(watcher.watch(socket)) for watcher, socket in pairs]
    for watcher in watchers:
        await watcher.ready.wait()
    print("ready", flush=True)
    begun = time.monotonic()
    await asyncio.sleep(seconds)
    lasted = time.monotonic() - begun
    for task in tasks:
        task.cancel()
    return {
        "bytes_per_second": sum(w.bytes for w in watchers) / count / lasted,
        "texts_per_second": sum(w.texts for w in watchers) / count / lasted,
        "lags": [lag for w in watchers for lag in w.lags[1:]],
        "heard": [pair for w in watchers for pair in w.heard[1:]],
    }


if __name__ == "__main__":
    count, seconds, port, key, job = sys.argv[1:]
    told = asyncio.run(watch_all(int(count), float(seconds), int(port), key, job))
    print(json.dumps(told), flush=True)
