"""A Hive among people who mean it ill: what it gives away, and what they can have it run."""

import base64
import json
import os
import pickle
import re
import secrets
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import psutil
import pytest
import urllib3
from redis import Redis

from nodes import wire
from tests.end_to_end.colony import Colony, manage, until
from tests.security.server import Server

pytestmark = pytest.mark.processes
PAGES = (
    *("/", "/nodes/", "/nodes/spore-1/", "/jobs/", "/queues/", "/rollouts/", "/admin/"),
    *("/search/?q=spore", "/admin/nodes/node/", "/admin/nodes/apikey/", "/admin/jobs/job/"),
    *("/admin/nodes/loginlink/", "/nothing/", "/metrics", "/readyz", "/api/v1/nothing/"),
)
REST = ("jobs/", "nodes/", "nodes/spore-1/", "queues/", "cluster/", "tasks/", "broadcasts/")
REST += ("deliveries/", "schema/", "series/", "ota/nodes/", "ota/releases/")


class Parrot(Server):
    """A language model that refuses, and says back what it was shown."""

    def answer_to(self, headers):
        return json.dumps({"error": {"message": f"no: {headers.get('authorization')}"}}).encode()


def a_secret(what: str) -> str:
    return f"canary-{what}-{secrets.token_hex(16)}"


@pytest.fixture(scope="module")
def given() -> dict[str, str]:
    """Secrets that this Hive is given."""
    signing = base64.b64encode(a_secret("webhook").encode()).decode()
    return {
        "SECRET_KEY": a_secret("site"),
        "HIVE_FLEET_KEY": a_secret("fleet"),
        "HIVE_WEBHOOK_SECRET": f"whsec_{signing}",
        "HIVE_LLM_KEY": a_secret("model"),
    }


@pytest.fixture(scope="module")
def colony(tmp_path_factory, given) -> Iterator[Colony]:
    parrot = Parrot()
    parrot.answers = [(401, {})] * 100
    with parrot.open():
        place = tmp_path_factory.mktemp("hive")
        also = {"HIVE_LLM_URL": parrot.url, "HIVE_ALLOW_PRIVATE_ADDRESSES": "true"}
        colony = Colony(place, spores=1, slots=2, **given, **also)
        yield colony
        colony.stop()


class Visitor:
    """A browser that keeps its cookies; `heard` is everything that was answered."""

    def __init__(self, nexus: str) -> None:
        self.nexus, self.cookies, self.heard = nexus, dict[str, str](), list[str]()

    def ask(self, method: str, path: str, **headers: str) -> urllib3.BaseHTTPResponse:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent = {"Cookie": cookie, **headers}
        url = path if path.startswith("http") else self.nexus + path
        answer = urllib3.request(method, url, headers=sent, redirect=False, retries=False)
        self.heard.append(answer.data.decode(errors="replace"))
        for line in answer.headers.getlist("set-cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value
        return answer


def make_trouble(colony: Colony, visitor: Visitor) -> None:
    """Jobs that end badly, and requests that nobody should send."""
    hive, link = colony.hive, colony.stack.ready["login_url"]
    for task, items in {
        "demo.fail": ["no"],
        "llm.instruct": ["a"],
        "odd.result": ["nan", "object"],
    }.items():
        kwargs = {"instruction": "do"} if task.startswith("llm") else {}
        job = hive.submit(task, items, retries=0, kwargs=kwargs)["id"]
        hive.wait(job, 60)
        for part in ("", "results/", "subtasks/0/", "subtasks/0/log/"):
            visitor.ask("GET", f"/api/v1/jobs/{job}/{part}", **bearer(colony))
    visitor.ask("POST", link)  # refused, and its address is logged: nobody used it yet
    visitor.ask("GET", link, Host="evil.example")
    visitor.ask("GET", link)
    for path in PAGES:
        visitor.ask("GET", path)
    for path in REST:
        visitor.ask("GET", f"/api/v1/{path}", **bearer(colony))
    visitor.ask("GET", "/api/v1/jobs/", Authorization=f"Bearer {'hive_' + 'x' * 43}")
    visitor.ask("POST", "/api/v1/jobs/", Cookie="", **bearer(colony))


def bearer(colony: Colony) -> dict[str, str]:
    return {"Authorization": f"Bearer {colony.stack.ready['api_key']}"}


def ask_commands(colony: Colony, password: str) -> list[str]:
    """What commands say, of a Hive that is well and of one that was set up wrong."""
    port = re.search(r":(\d+)/", colony.stack.ready["redis_url"])[1]
    asked = (
        ("doctor", {}),
        ("status", {"DATABASE_URL": f"postgres://hive:{password}@127.0.0.1:1/hive"}),
        ("doctor", {"REDIS_URL": f"redis://:{password}@127.0.0.1:{port}/0?password={password}"}),
        ("status", {"HIVE_WEBHOOK_SECRET": password}),
    )
    said = []
    for command, wrong in asked:
        ran = manage("hive", command, "--json", env=colony.beside | wrong)
        said += [ran.stdout, ran.stderr]
    return said


def command_lines(colony: Colony) -> Iterable[str]:
    for process in psutil.Process(os.getpid()).children(recursive=True):
        try:
            yield " ".join(process.cmdline())
        except psutil.NoSuchProcess:
            continue


def dump(client: Redis) -> Iterable[str]:
    """Everything that is in a Redis, but for what it makes of it itself."""
    for key in client.scan_iter():
        kind = client.type(key).decode()
        read = {
            "string": lambda: client.get(key),
            "list": lambda: client.lrange(key, 0, -1),
            "set": lambda: client.smembers(key),
            "hash": lambda: client.hgetall(key),
            "zset": lambda: client.zrange(key, 0, -1),
            "stream": lambda: client.xrange(key),
        }[kind]
        yield f"{key!r} {read()!r}"


def test_no_secret_is_told_to_anybody(colony, given):
    visitor, ready = Visitor(colony.stack.ready["nexus"]), colony.stack.ready
    password = a_secret("password")
    make_trouble(colony, visitor)
    said = ask_commands(colony, password)
    told = {
        "answers": visitor.heard,
        "commands": said,
        "command lines": list(command_lines(colony)),
        "logs": [path.read_text(errors="replace") for path in colony.stack.logs.rglob("*.log*")],
    }
    with Redis.from_url(ready["redis_url"]) as client:
        told["Redis"] = list(dump(client))

    hidden = {
        **given,
        "the password of somebody's server": password,
        "the API key": ready["api_key"],
        "the link": ready["login_url"].rstrip("/").rpartition("/")[2],
        "the session": visitor.cookies["sessionid"],
        "Redis's password": re.search(r"//:(.+)@", ready["redis_url"])[1],
        "a node's key": (colony.stack.data / "spores/spore-1/node.key").read_text().strip(),
    }

    assert all(any(texts) for texts in told.values())
    # It was there to be told.
    assert any("***" in text or "[redacted]" in text for text in told["logs"])
    for where, texts in told.items():
        for what, secret in hidden.items():
            assert [text for text in texts if secret in text] == [], f"{what} in {where}"


def test_what_is_kept_is_for_its_owner_alone(colony):
    data = colony.stack.data
    private = [*data.glob("secrets/*"), *data.glob("run/*"), *data.glob("spores/*/node.key")]

    assert data.stat().st_mode & 0o077 == 0
    assert len(private) > 4
    assert [path for path in private if path.stat().st_mode & 0o077] == []


class Bomb:
    """Leaves a mark where it is loaded."""

    def __init__(self, mark: Path) -> None:
        self._mark = mark

    def __reduce__(self):
        return os.system, (f"touch {self._mark}",)


def bombs(mark: Path) -> list[bytes]:
    """A pickle that leaves a mark, in all the clothes that somebody here might take off."""
    plain = pickle.dumps(Bomb(mark))
    packed = json.dumps({"$pickle": base64.b64encode(plain).decode()}).encode()
    return [plain, zlib.compress(plain), packed, b"v1." + b"0" * 64 + b"." + plain]


def plant(client: Redis, loads: list[bytes]) -> None:
    """Put them wherever anything is, and wherever anything of ours looks."""
    for key in list(client.scan_iter()):
        kind = client.type(key).decode()
        if kind == "string":
            client.set(key, loads[0])
        elif kind == "list":
            client.lpush(key, *loads)
        elif kind == "set":
            client.sadd(key, *loads)
        elif kind == "hash":
            client.hset(key, mapping={field: loads[1] for field in client.hkeys(key)})
        elif kind == "stream":
            [(_, fields)] = client.xrevrange(key, count=1) or [("", {b"e": b""})]
            for load in loads:
                client.xadd(key, dict.fromkeys(fields, load))
    plant_jobs(client, loads)
    node = "spore-1"
    for key in (wire.orders_key(node), wire.proof_key(node), wire.tasks_key("0" * 32)):
        client.set(key, loads[0])
    client.rpush(wire.commands_key(node), *loads)
    client.xadd(wire.report_key(node), {"e": loads[0]})
    client.xadd(wire.INBOX, {"what": loads[0], "subject": loads[1]})
    client.hset(wire.flight_key(node), "x", loads[0])
    for channel in (wire.control_channel(node), wire.CHANGED, wire.TICK, wire.BROADCAST):
        for load in loads:
            client.publish(channel, load)


def plant_jobs(client: Redis, loads: list[bytes]) -> None:
    """Jobs as RQ has them, with everything in them that RQ would load, import or call."""
    for queue in ("spore-1", "high_priority", "background", "default"):
        client.sadd("rq:queues", f"rq:queue:{queue}")
        for n, load in enumerate(loads):
            fields = {"data": load, "meta": load, "result": load, "exc_info": load}
            names = ("success_callback_name", "failure_callback_name", "stopped_callback_name")
            fields |= dict.fromkeys(names, b"os.system") | {"origin": queue, "status": "queued"}
            client.hset(f"rq:job:{queue}-evil{n}", mapping=fields)
            client.rpush(wire.queue_key(queue), f"{queue}-evil{n}")
            client.zadd(f"rq:failed:{queue}", {f"{queue}-evil{n}": 1})


def test_nothing_that_somebody_puts_into_redis_is_run(colony, tmp_path):
    mark, ready = tmp_path / "it.ran", colony.stack.ready
    loads, visitor = bombs(mark), Visitor(ready["nexus"])
    os.system(f"touch {mark}.proof")  # it would be seen
    visitor.ask("GET", manage("hive", "login-link", env=colony.beside).stdout.strip())
    with Redis.from_url(ready["redis_url"]) as client:
        plant(client, loads)
        until(lambda: not client.llen(wire.queue_key("spore-1")), what="slots that took them all")
        for path in PAGES:
            visitor.ask("GET", path)
        for path in REST:
            visitor.ask("GET", f"/api/v1/{path}", **bearer(colony))
        for command in ("status", "check"):
            manage("hive", command, env=colony.beside)
        plant(client, loads)  # what was mended meanwhile
        client.flushall()

    hive = colony.hive
    assert hive.wait(hive.submit("demo.echo", [1, 2])["id"], 60)["state"] == "succeeded"
    assert all(colony.lives(name) for name in ("nexus", "foreman", "spore-1", "redis"))
    assert Path(f"{mark}.proof").exists()
    assert not mark.exists()
