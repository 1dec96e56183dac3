"""The Redis in memory answers as Redis does, wherever the Hive asks it something."""

from random import Random

import fakeredis
import pytest

from hive_site.kernel.redis import load_script
from tests.simulation.client import Client
from tests.simulation.ether import Ether
from tests.simulation.verbs import PYTHON, ROOT

SCRIPTS = sorted(ROOT.glob("*/lua/*.lua"))
BUNDLES = ["b1", "b2", "b3"]


class Open:
    """A gate that lets everything through."""

    def __init__(self, commands):
        self.commands = commands

    def __enter__(self):
        return self.commands

    def __exit__(self, *error):
        return None


def in_memory():
    return Client(Ether(lambda: 1_900_000_000.0), Open)


def arguments(verb, random):
    """Keys and arguments for a verb: small sets, so that calls get into each other's way."""
    epoch, bundle = random.choice(["1", "2"]), random.choice(BUNDLES)
    job = f"rq:job:{bundle}"
    return {
        "push": (["e", job, "q", "f"], [epoch, bundle, "sealed", "entry", "n", "now", 900]),
        "withdraw": (["e", "q", job, "f"], [epoch, bundle, ""]),
        "abandon": (["e", "q", "i", job, "f"], [epoch, bundle]),
        "remember": (["e", "f"], [epoch, bundle, "entry"]),
        "reclaim_node": (["e", "q", "i", "f"], [epoch, "rq:job:"]),
        "claim_epoch": (["e", "boot"], [epoch, "fresh"]),
        "newer_beats": (["beat:a", "beat:b"], ["", "1-0", 9]),  # of nobody; below they beat
    }[verb]


def picture(client):
    """Everything that is in it."""
    return {
        "strings": [client.get(key) for key in ("e", "boot")],
        "lists": [client.lrange(key, 0, -1) for key in ("q", "i")],
        "ledger": client.hgetall("f"),
        "jobs": [client.hgetall(f"rq:job:{bundle}") for bundle in BUNDLES],
        "alive": [client.ttl(f"rq:job:{bundle}") > 0 for bundle in BUNDLES],
    }


def test_every_lua_verb_has_a_twin():
    assert {path.stem for path in SCRIPTS} == set(PYTHON)


@pytest.mark.parametrize("seed", range(20))
def test_the_twins_of_the_lua_verbs_do_what_these_do(seed):
    real, twin, random = (
        fakeredis.FakeRedis(server=fakeredis.FakeServer()),
        in_memory(),
        Random(seed),
    )
    verbs = {path.stem: [load_script(c, path) for c in (real, twin)] for path in SCRIPTS}

    for _ in range(60):
        name = random.choice(sorted(verbs))
        keys, args = arguments(name, random)
        if random.random() < 0.3:
            real.lmove("q", "i", "LEFT", "LEFT"), twin.lmove("q", "i")
        if random.random() < 0.02:
            real.flushall(), twin.flushall()
        answers = [script(keys=keys, args=args) for script in verbs[name]]

        assert answers[0] == answers[1], name
        assert picture(real) == picture(twin), name


def test_streams_answer_as_the_mailbox_and_the_watch_read_them():
    real, twin = fakeredis.FakeRedis(server=fakeredis.FakeServer()), in_memory()
    for client in (real, twin):
        ids = [client.xadd("s", {"e": b"%d" % n}) for n in range(4)]
        client.xtrim("s", minid=ids[1].decode(), approximate=False)
        client.xadd("beat", {"e": "1"}, maxlen=1, approximate=False)
        client.xadd("beat", {"e": "2"}, maxlen=1, approximate=False)

        [[name, rows]] = in_lists(client.xread({"s": ids[1].decode(), "none": "0"}, count=9))
        [(entry, newest)] = client.xrevrange("beat", count=1)
        newer = load_script(client, ROOT / "nodes" / "lua" / "newer_beats.lua")
        told = newer(keys=["none", "beat"], args=["", "", 1])
        assert [list(row) for row in told] == [[2, entry, b"2"]]
        assert [list(row) for row in newer(keys=["beat"], args=["", 0])] == [[1, entry, b""]]
        assert newer(keys=["beat"], args=[entry, 1]) == []
        assert (name, [row[b"e"] for _, row in rows]) == (b"s", [b"2", b"3"])
        assert (newest, client.xlen("beat"), client.xlen("s")) == ({b"e": b"2"}, 1, 3)
        assert not client.xread({"s": ids[3].decode()})


def in_lists(answer):
    """The answer in one form: clients give lists or a dictionary, by protocol."""
    if isinstance(answer, dict):
        return [[name, rows[0]] for name, rows in answer.items()]
    return answer
