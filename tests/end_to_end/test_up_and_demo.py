"""`hive up` and `hive demo` as people run them: whole Hives of their own, from start to end."""

import json
import signal
import socket
import subprocess
import sys

import psutil
import pytest

from hive_site.configuration import PROJECT
from jobs.client import Hive
from tests.databases import own_database
from tests.end_to_end.colony import PATIENCE, clean_environment, is_gone, manage, until

pytestmark = pytest.mark.processes


class Up:
    """One `hive up` that runs."""

    def __init__(self, data, env, *flags):
        self.log, ready_file = data / "up.log", data / "ready.json"
        script = [sys.executable, str(PROJECT / "manage.py"), "hive", "up", "--port", "0"]
        script += ["--spores", "2", "--data", str(data / "hive"), *flags]
        script += ["--ready-file", str(ready_file)]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(script, env=env, stdout=log, stderr=log, cwd="/")
        until(lambda: self._is_ready(ready_file), what="a Hive that is up")
        self.ready = json.loads(ready_file.read_text())
        self.ready_file = ready_file
        self.hive = Hive(self.ready["nexus"], self.ready["api_key"])

    def _is_ready(self, ready_file):
        assert self.process.poll() is None, self.log.read_text()
        return ready_file.exists()

    def stop(self, signum):
        """Whoever is left of its processes after this signal."""
        family = psutil.Process(self.process.pid).children(recursive=True)
        assert len(family) >= 5 + 2  # Redis, Nexus, Foreman, two Spores, their slots
        self.process.send_signal(signum)
        self.process.wait(PATIENCE)
        return [process for process in family if not is_gone(process)]


@pytest.fixture
def env():
    """An environment with a database of its own."""
    with own_database() as database:
        yield clean_environment(**database)


@pytest.fixture
def up(tmp_path, env):
    """Starts `hive up` on the test's directory; ends it with the test."""
    started = []

    def start(*flags):
        started.append(Up(tmp_path, env, *flags))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.wait()


def test_it_leaves_no_process_behind_and_finds_everything_again(up):
    first = up()
    done = first.hive.submit("demo.echo", ["honey"])["id"]
    first.hive.wait(done, 30)
    half = first.hive.submit("demo.sleep", [0.01] * 300)["id"]
    until(lambda: first.hive.job(half)["progress"]["succeeded"] > 10, what="work in flight")

    assert first.stop(signal.SIGTERM) == []
    assert (first.process.returncode, first.ready_file.exists()) == (0, False)
    second = up()

    assert second.ready["api_key"] == first.ready["api_key"]
    assert second.hive.job(done)["result"] == "honey"
    assert second.hive.wait(half, 30)["state"] == "succeeded"
    assert {row["attempts"] for row in second.hive.results(half)} == {1}
    assert second.stop(signal.SIGINT) == []  # Ctrl-C
    assert second.process.returncode == 0
    assert "nothing is left running" in second.log.read_text()
    assert "Traceback" not in second.log.read_text()


def test_a_port_that_is_taken_is_told_in_a_line_with_exit_code_2(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])

        flags = ("--port", port, "--data", str(tmp_path))
        ran = manage("hive", "up", *flags, env=clean_environment())

    assert ran.returncode == 2
    assert f"cannot listen on 127.0.0.1:{port}" in ran.stderr
    assert "--port" in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


@pytest.mark.parametrize("flags", [[], ["--chaos"]])
def test_the_demo_summarises_all_its_articles(tmp_path, env, flags):
    before = set(psutil.Process().children(recursive=True))
    ran = manage("hive", "demo", "--json", "--data", str(tmp_path), *flags, env=env)

    assert (ran.returncode, ran.stderr) == (0, "")
    told = json.loads(ran.stdout)
    assert (told["state"], told["succeeded"], told["total"]) == ("succeeded", 20, 20)
    assert [row["state"] for row in told["results"]] == ["succeeded"] * 20
    assert bool(told["killed"]) == bool(flags)
    assert (tmp_path / "digest.md").read_text().startswith("# Digest of 20 articles")
    assert set(psutil.Process().children(recursive=True)) <= before
