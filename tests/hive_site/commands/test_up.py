import json
import os
import signal
import socket
import stat
import subprocess
import sys
from argparse import ArgumentTypeError
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from hive_site.commands.up import find_nexus, number_between, obituary, run
from hive_site.configuration import PROJECT
from hive_site.kernel.errors import Invalid
from hive_site.stack.nursery import Death
from hive_site.stack.redis_server import free_port
from tests.hive_site.stack.cast import PATIENCE, all_pids, survivors


@pytest.fixture
def up(tmp_path):
    """Starts `hive up` on a directory of its own; ends it with the test."""
    started = []

    def start(*flags: str) -> subprocess.Popen[str]:
        given = {"REDIS_URL", "REDIS_HOST", "DATABASE_URL"}
        env = {name: value for name, value in os.environ.items() if name not in given}
        env |= {"HIVE_DATA_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "hive_site.settings"}
        script = [sys.executable, "-m", "tests.hive_site.commands.up_with_stand_ins", *flags]
        out = subprocess.PIPE
        process = subprocess.Popen(script, env=env, cwd=PROJECT, stdout=out, stderr=out, text=True)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def read_until_up(process):
    for line in process.stdout:
        if "The Hive is up" in line:
            return
    pytest.fail(f"hive up ended with {process.wait()}: {process.stderr.read()}")


@pytest.mark.processes
@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_everything_in_order_and_nothing_is_left(up, tmp_path, signum):
    ready_file = tmp_path / "ready.json"
    process = up("--port", "0", "--spores", "2", "--ready-file", str(ready_file))
    read_until_up(process)
    pids = all_pids(json.loads(ready_file.read_text()))

    process.send_signal(signum)
    process.communicate(timeout=PATIENCE)

    assert process.returncode == 0
    assert survivors(pids, patience=0) == []
    assert (tmp_path / "diary").read_text().split() == ["spore", "spore", "foreman", "nexus"]
    assert not ready_file.exists()


@pytest.mark.processes
def test_the_ready_file_holds_what_the_contract_says_for_the_owner_only(up, tmp_path):
    ready_file, port = tmp_path / "ready.json", free_port()
    process = up("--port", str(port), "--spores", "1", "--ready-file", str(ready_file))
    read_until_up(process)

    ready = json.loads(ready_file.read_text())

    keys = ["nexus", "api_key", "redis_url", "database_url", "login_url", "pids"]
    assert list(ready) == keys
    assert ready["nexus"] == f"http://127.0.0.1:{port}"
    assert list(ready["pids"]) == ["redis", "nexus", "foreman", "spores"]
    assert list(ready["pids"]["spores"]) == ["spore-1"]
    assert "spore-1" in psutil.Process(ready["pids"]["spores"]["spore-1"]).cmdline()
    assert stat.S_IMODE(ready_file.stat().st_mode) == 0o600


@pytest.mark.processes
def test_a_taken_port_is_wrong_use(up):
    with socket.create_server(("127.0.0.1", 0)) as other:
        process = up("--port", str(other.getsockname()[1]))

        _, complaint = process.communicate(timeout=PATIENCE)

    assert process.returncode == 2
    assert "give another --port" in complaint
    assert len(complaint.splitlines()) == 1


@pytest.mark.processes
def test_a_killed_spore_is_mourned_and_the_rest_goes_on(up, tmp_path):
    process = up("--port", "0", "--spores", "2")
    read_until_up(process)
    pids = json.loads((tmp_path / "run" / "ready.json").read_text())["pids"]

    os.kill(pids["spores"]["spore-1"], signal.SIGKILL)

    line = next(line for line in process.stdout if "spore-1 ended" in line)
    assert "SIGKILL" in line
    assert "The rest goes on" in line
    assert psutil.pid_exists(pids["spores"]["spore-2"])


def test_the_end_of_what_nothing_works_without_is_said_loudly():
    death = Death("redis", "SIGKILL", Path("redis.log"), "out of memory")

    assert "NOTHING WORKS WITHOUT IT" in obituary(death, restart=False)
    assert "started again" in obituary(death, restart=True)
    assert "out of memory" in obituary(death, restart=False)


def test_a_hive_that_is_switched_off_says_so_before_anything_starts(settings):
    settings.HIVE = replace(settings.HIVE, enabled=False)

    with pytest.raises(Invalid, match="ENABLE_HIVE is false; set it to true"):
        run({})


@pytest.mark.parametrize("text", ["-1", "65536", "x", "", "1.5", "²"])
def test_a_number_out_of_range_is_refused_with_the_range(text):
    with pytest.raises(ArgumentTypeError, match="from 0 to 65535"):
        number_between(0, 65535)(text)


@pytest.fixture
def options(settings, tmp_path):
    """The options of a Hive on a directory of its own."""
    return replace(settings.HIVE, data=tmp_path, nexus_url="http://hive.example")


@pytest.mark.parametrize("left", [None, "", "{"])
def test_without_a_hive_that_is_up_the_nexus_is_the_one_that_is_set(options, tmp_path, left):
    if left is not None:
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / "ready.json").write_text(left)

    assert find_nexus(options) == "http://hive.example"


def test_the_nexus_of_a_hive_that_is_up_is_found(options, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "ready.json").write_text('{"nexus": "http://127.0.0.1:41999"}')

    assert find_nexus(options) == "http://127.0.0.1:41999"
