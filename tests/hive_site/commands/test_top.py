"""`hive top` without a terminal: one picture, from beside the Nexus or from anywhere."""

import json
import time

import pytest

from hive_site.commands import top
from hive_site.kernel.errors import HiveError, Invalid
from hive_site.top.facts import Afar, Beside
from jobs import services
from jobs.client import HiveError as Refused
from nodes import wire
from nodes.models import Node
from tests.conftest import client_with

pytestmark = pytest.mark.django_db(transaction=True)
CHOICES = {"json": False, "once": True, "interval": 1.0, "nexus": None, "key": None}


@pytest.fixture
def cluster(redis):
    """A cluster with a node and a job, and a Foreman that draws it."""
    Node.objects.create(name="bee", state="online", slots=4, release="1.2.0")
    services.submit_job(task="demo.echo", items=[1, 2, 3])
    queue = {"depth": 3, "oldest_wait": 1.0, "paused": False, "in": 0.0, "out": 0.0}
    row = {"name": "bee", "state": "online", "slots": 4, "running": 2, "cpu": 0.5, "memory": 0.5}
    row |= {"release": "1.2.0", "last_seen": None, "reason": ""}
    picture = {
        "at": time.time(),
        "foreman": {"holder": "here", "epoch": 3},
        "nodes": [row],
        **{"nodes_online": 1, "nodes_total": 1, "avg_cpu": 0.5, "avg_memory": 0.5},
        **{"active_subtasks": 2, "slots": 4, "queues": {"background": queue}},
        "throughput": {f"{word}_per_second": 1.0 for word in ("succeeded", "failed", "retried")},
    }
    redis.set(wire.SNAPSHOT, json.dumps(picture))
    return redis


def test_programs_get_one_document(cluster, capsys):
    code = top.run({**CHOICES, "json": True})

    told = json.loads(capsys.readouterr().out)
    assert code == 0
    assert [(n["name"], n["running"]) for n in told["nodes"]] == [("bee", 2)]
    assert [(j["task"], j["total"], j["state"]) for j in told["jobs"]] == [
        ("demo.echo", 3, "queued")
    ]


def test_people_get_one_picture(cluster, capsys):
    code = top.run(CHOICES)

    told = capsys.readouterr().out
    assert code == 0
    assert "Foreman leading (epoch 3, here)" in told
    assert "demo.echo" in told
    assert "q quit" not in told


def test_a_memory_is_told_to_be_one(redis, capsys):
    Node.objects.create(name="bee", state="lost", slots=4)

    code = top.run(CHOICES)

    assert code == 1
    assert "no Foreman leads" in capsys.readouterr().out


def test_from_anywhere_it_looks_the_same(cluster, api, monkeypatch):
    class Hive:
        def request(self, method, path):
            answer = api.get(f"/api/v1/{path}")
            assert answer.status_code == 200, answer.content
            return json.loads(answer.content)

    here, there = Beside().look(history=True), Afar(Hive()).look(history=True)

    shown = ("name", "state", "slots", "running", "cpu", "memory")
    assert [{k: n[k] for k in shown} for n in there.nodes] == [
        {k: n[k] for k in shown} for n in here.nodes
    ]
    assert there.cluster.keys() == here.cluster.keys()
    ours = {name: value for name, value in here.jobs[0].items() if name in there.jobs[0]}
    assert there.jobs == [ours]
    assert (there.rollouts, there.history) == (here.rollouts, here.history)


def test_a_refusal_is_told_in_a_line(monkeypatch, settings):
    class Refusing:
        def look(self, *, history):
            raise Refused(401, {"detail": "no such key"})

    monkeypatch.setattr(top, "find_source", lambda options: Refusing())

    with pytest.raises(HiveError, match="the Nexus refused: 401: no such key"):
        top.run(CHOICES)


@pytest.mark.parametrize(
    ("flags", "environ", "afar"),
    [
        ({}, {}, False),
        ({}, {"HIVE_NEXUS_URL": "http://far"}, False),
        ({}, {"HIVE_API_KEY": "hive_x"}, False),
        ({}, {"HIVE_NEXUS_URL": "http://far", "HIVE_API_KEY": "hive_x"}, True),
        ({"nexus": "http://far", "key": "hive_x"}, {}, True),
        ({"nexus": "http://far"}, {"HIVE_API_KEY": "hive_x"}, True),
    ],
)
def test_who_names_a_nexus_asks_it(monkeypatch, flags, environ, afar):
    for name, value in environ.items():
        monkeypatch.setenv(name, value)

    source = top.find_source({**CHOICES, **flags})

    assert isinstance(source, Afar if afar else Beside)


def test_an_address_that_is_none_is_refused():
    with pytest.raises(Invalid, match="--nexus 'nonsense': give an address like http://host:8000"):
        top.find_source({**CHOICES, "nexus": "nonsense", "key": "hive_x"})


def test_a_key_that_may_read_is_enough(cluster):
    api = client_with("read")

    class Hive:
        def request(self, method, path):
            answer = api.get(f"/api/v1/{path}")
            assert answer.status_code == 200, (path, answer.content)
            return json.loads(answer.content)

    assert Afar(Hive()).look(history=True).nodes[0]["name"] == "bee"
