"""Real agents at the end of real pipes, their Redis, and the Foreman's side of that."""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from hive_site.configuration import PROJECT
from hive_site.kernel.envelope import node_key, seal, unseal
from jobs.wire import Piece, bundle_id, compose
from nodes import wire
from tests.contracts.redis import Broker
from tests.nodes.cast import FLEET_KEY, wait_until

NODE = "spore-1"
KEY = node_key(FLEET_KEY, NODE)
PATIENCE_SECONDS = 30
TASKS = """
import os, time
from pathlib import Path
from jobs import task

@task("seam.hold", timeout=600, at_most_once=True)
def hold(ctx, item):
    with Path(item["log"]).open("a") as log:
        log.write(f"{os.getpid()}\\n")
    while not Path(item["until"]).exists():
        time.sleep(0.005)
    return os.getpid()

@task("seam.note")
def note(ctx, item):
    with Path(item["log"]).open("a") as log:
        log.write(f"{item['n']}\\n")
    time.sleep(item.get("seconds", 0))
    return item["n"]

@task("seam.once", at_most_once=True)
def once(ctx, item):
    return note(ctx, item)
"""


class Child:
    """One agent as its launcher has it."""

    def __init__(self, home: Path, broker: Broker, *, slots: int = 1, **env: str) -> None:
        mine, its = os.pipe(), os.pipe()
        self._reader, self._writer = its[0], mine[1]
        self._text, self._ticked_at = b"", 0.0
        self.heard: list[dict[str, Any]] = []
        self._stderr = home / f"stderr-{mine[0]}-{time.time_ns()}"
        words = [sys.executable, "manage.py", "rqworker", "--name", NODE, "--home", str(home)]
        self.process = subprocess.Popen(
            [*words, "--slots", str(slots)],
            cwd=PROJECT,
            stderr=self._stderr.open("wb"),
            pass_fds=(mine[0], its[1]),
            env={
                **{k: v for k, v in os.environ.items() if k != "DJANGO_SETTINGS_MODULE"},
                "REDIS_URL": broker.url,
                "HIVE_NODE_KEY": KEY.hex(),
                "HIVE_DATA_DIR": str(home),
                "HIVE_LAUNCHER_FDS": f"{mine[0]},{its[1]}",
                "PYTHONPATH": str(home),
                "HIVE_TASK_MODULES": "seam_tasks",
                **env,
            },
        )
        os.close(mine[0])
        os.close(its[1])

    def say(self, word: str, what: Any) -> None:
        os.write(self._writer, json.dumps({word: what}).encode() + b"\n")

    def listen(self, seconds: float = 0.01) -> None:
        """Take in what it says; tick."""
        if self._writer >= 0 and time.monotonic() - self._ticked_at > 1:
            self._ticked_at = time.monotonic()
            with contextlib.suppress(BrokenPipeError):
                self.say("tick", 1)
        if not select.select([self._reader], [], [], seconds)[0]:
            return
        data = os.read(self._reader, 65536)
        if not data:
            time.sleep(seconds)
        *lines, self._text = (self._text + data).split(b"\n")
        self.heard += map(json.loads, lines)

    def hear(self, word: str) -> Any:
        """What it said with this word, the newest; waits for it."""
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while not (said := [m[word] for m in self.heard if word in m]):
            assert time.monotonic() < give_up_at, f"it never said {word}; it said {self.heard}"
            assert self.process.poll() is None or self._is_unheard(), self.errors()
            self.listen()
        return said[-1]

    def words(self) -> list[str]:
        self.listen(0)
        return [word for message in self.heard for word in message]

    def end(self) -> int:
        """Its exit code, once it ended."""
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while (code := self.process.poll()) is None:
            assert time.monotonic() < give_up_at, "it never ended"
            self.listen()
        self.listen(0)
        return code

    def errors(self) -> str:
        return self._stderr.read_text()

    def _is_unheard(self) -> bool:
        return bool(select.select([self._reader], [], [], 0)[0] and self._text)

    def let_go(self) -> None:
        """As if the launcher died."""
        os.close(self._writer)
        self._writer = -1

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def close(self) -> None:
        self.kill()
        os.close(self._reader)
        if self._writer >= 0:
            self.let_go()


class Seam:
    """A node, what is sent to it and what it reports."""

    def __init__(self, home: Path, broker: Broker) -> None:
        self.home, self.redis, self._broker = home, broker.open(name="admin"), broker
        (home / "seam_tasks.py").write_text(TASKS)
        self.children: list[Child] = []
        self._next = 100

    def start(self, *, gated: bool = False, incarnation: str = "", **env: Any) -> Child:
        slots = env.pop("slots", 1)
        if gated:
            env["HIVE_GATE"] = "1"
        if incarnation:
            env["HIVE_INCARNATION"] = incarnation
        self.children.append(Child(self.home, self._broker, slots=slots, **env))
        return self.children[-1]

    def send(self, task: str, items: list[Any], *, incarnation: str, **changes: Any) -> str:
        """Push a bundle as the Foreman does; its id."""
        first, self._next = self._next, self._next + len(items)
        fields: dict[str, Any] = {
            **{"node": NODE, "incarnation": incarnation, "job": "job_1", "task": task},
            **{"stop_token": "job_1.1", "total": 10, "timeout": 600, "first": first},
            **{"kwargs": "{}", "gpus": (), "idempotent": True, "now": time.time()},
            "pieces": [Piece(1000 + n, n, 1, json.dumps(item)) for n, item in enumerate(items)],
        }
        bundle = bundle_id(NODE, first)
        envelope = seal(compose(**{**fields, **changes}), key=KEY, purpose=wire.PURPOSE_BUNDLE)
        self.redis.hset(wire.bundle_key(bundle), "data", envelope)
        self.redis.rpush(wire.queue_key(NODE), bundle)
        return bundle

    def hold(self, child: Child, *, incarnation: str, **changes: Any) -> tuple[str, Path]:
        """Let a slot run something at most once that goes on until a file is there."""
        until, log = self.home / f"until-{self._next}", self.home / "log"
        before = self.log()
        item = {"log": str(log), "until": str(until)}
        changes = {"idempotent": False, **changes}
        bundle = self.send("seam.hold", [item], incarnation=incarnation, **changes)
        wait_until(lambda: child.listen() or len(self.log()) > len(before))
        return bundle, until

    def log(self) -> list[str]:
        log = self.home / "log"
        return log.read_text().split() if log.exists() else []

    def reports(self) -> list[dict[str, Any]]:
        entries = self.redis.xrange(wire.report_key(NODE))
        purpose = wire.PURPOSE_REPORT
        return [unseal(wire.whole("e", fields), key=KEY, purpose=purpose) for _, fields in entries]

    def results(self) -> dict[int, Any]:
        rows = [row for body in self.reports() for row in body.get("ok", [])]
        return {attempt: json.loads(text) for attempt, _, _, text in rows}

    def events(self, kind: str) -> list[dict[str, Any]]:
        return [e for body in self.reports() for e in body["events"] if e["k"] == kind]

    def beat(self) -> dict[str, Any]:
        ((_, fields),) = self.redis.xrange(wire.beat_key(NODE))
        body: dict[str, Any] = unseal(fields[b"e"], key=KEY, purpose=wire.PURPOSE_BEAT)
        return body

    def lists(self) -> list[bytes]:
        """All that waits or was popped."""
        keys = wire.queue_key(NODE), wire.intermediate_key(NODE)
        return [bundle for key in keys for bundle in self.redis.lrange(key, 0, -1)]

    def close(self) -> None:
        for child in self.children:
            child.close()
