"""One real peer, RQ's SimpleWorker, which is in our own environment, through the same protocol."""

import sys
from pathlib import Path
from threading import Event

import psutil
import pytest
from redis import Redis

from bench.contenders import Incomplete
from bench.peers.roster import ROSTER
from bench.rivals import Lodging, Rival
from bench.world import own_environment
from hive_site.stack.nursery import Nursery
from hive_site.stack.redis_server import RedisServer

SIMPLE = next(peer for peer in ROSTER if peer.name == "rq-simple")
DASK = next(peer for peer in ROSTER if peer.name == "dask")
CHUNKS = next(peer for peer in ROSTER if peer.name == "celery-chunks")
HERE = Path(sys.executable).parent


def lodge(folder, url="redis://:hush@127.0.0.1:1/1"):
    base = own_environment({"PATH": "/usr/bin:/bin"}, database_url="")
    return Lodging(HERE, folder / "peer", url, base)


def test_the_password_of_redis_is_not_in_the_command_line_of_a_worker(tmp_path):
    for recipe in lodge(tmp_path).recipes(SIMPLE):
        assert "hush" not in " ".join(recipe.argv)
        assert recipe.env["RQ_REDIS_URL"] == "redis://:hush@127.0.0.1:1/1"
        assert recipe.argv[0] == str(HERE / "rq")


def test_who_needs_no_redis_meets_in_a_directory_of_the_run(tmp_path):
    for recipe in lodge(tmp_path).recipes(DASK):
        assert str(tmp_path / "peer" / "scheduler.json") in recipe.argv


def test_some_are_there_for_some_workloads_only(tmp_path):
    chunks, dask = (Rival(peer, lodge(tmp_path), Nursery(logs=tmp_path)) for peer in (CHUNKS, DASK))

    assert [chunks.takes(name) for name in ("map", "latency")] == [True, False]
    assert [dask.takes(name) for name in ("map", "latency")] == [True, True]


def test_nobody_runs_anything_before_their_turn(tmp_path):
    rival = Rival(SIMPLE, lodge(tmp_path), Nursery(logs=tmp_path))

    with pytest.raises(Incomplete, match="not the turn"):
        rival.run_all("noop", [1])


@pytest.fixture
def server(tmp_path):
    nursery, server = Nursery(logs=tmp_path / "logs"), RedisServer(tmp_path)
    nursery.adopt(server.start(stop=Event()))
    yield nursery, f"{server.url.removesuffix('/0')}/{SIMPLE.database}"
    nursery.stop(["redis"], patience=5)


@pytest.mark.processes
def test_a_real_peer_works_during_its_turn_and_leaves_nothing(tmp_path, server):
    nursery, url = server
    rival = Rival(SIMPLE, lodge(tmp_path, url), nursery)

    with rival.turn():
        family = [psutil.Process(pid) for pid in rival.workers]
        before = rival.cpu_seconds()
        seconds = rival.run_all("noop", list(range(20)))
        trips = rival.run_trips("clock", [1, 2, 3])
        after = rival.cpu_seconds()
        with pytest.raises(Incomplete, match="KeyError"):
            rival.run_all("unheard-of", [1])

    assert len(family) == 5
    assert seconds > 0
    assert all(trip.begun <= trip.result <= trip.begun + trip.took for trip in trips)
    assert after > before
    assert not any(process.is_running() for process in family)
    with Redis.from_url(url) as client:
        assert client.dbsize() == 0
