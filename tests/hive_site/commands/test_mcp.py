"""`hive mcp`: where it listens; on stdio as a process of its own, before a Nexus that is a fake."""

import json
import os
import signal
import subprocess
import sys

import pytest

from hive_site.commands.mcp import listen
from hive_site.configuration import PROJECT
from hive_site.kernel.errors import Invalid
from tests.jobs.nexus import RUNNING, answering
from tests.jobs.webhooks.receiver import wait_until

FOREIGN = ("HIVE_", "REDIS_", "DATABASE_URL", "DJANGO_")
SOON = 20
PROGRESS = {"total": 1, "succeeded": 0, "failed": 0, "cancelled": 0, "running": 1}
CLIENT = {"protocolVersion": "2025-06-18", "capabilities": {}}


@pytest.mark.parametrize("host", ["é..x", "a\0b", "x" * 300])
def test_what_can_be_no_host_is_told_with_its_name(host):
    with pytest.raises(Invalid, match="--http"):
        listen(host, 0)


def start(nexus, place):
    env = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    script = [sys.executable, str(PROJECT / "manage.py"), "hive", "mcp"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    given = ["--url", nexus.url, "--key", "k", "--data", str(place)]
    return subprocess.Popen([*script, *given], env=env, text=True, **pipes)


def say(server, **message):
    server.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    server.stdin.flush()


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_call_that_a_signal_ends_is_answered(tmp_path, signum, code):
    call = {"name": "get_task_status", "arguments": {"job_id": "job_1", "wait_timeout": 60}}
    client = {**CLIENT, "clientInfo": {"name": "test", "version": "1"}}
    with answering() as nexus, start(nexus, tmp_path) as server:
        nexus.will({**RUNNING, "progress": PROGRESS})
        for _ in range(100):
            nexus.will_break()
        say(server, id=1, method="initialize", params=client)
        say(server, method="notifications/initialized")
        say(server, id=2, method="tools/call", params=call)
        wait_until(lambda: len(nexus.asked) > 1)

        server.send_signal(signum)
        # An agent that closes its end of the pipe at once is told just that: it is gone.
        said, errors = server.stdout.read(), server.stderr.read()

    last = json.loads(said.splitlines()[-1])
    assert (server.returncode, errors, last["id"]) == (code, "", 2)
    assert "the server was told to end" in last["result"]["content"][0]["text"]
