"""An agent that a launcher started and holds back: real processes, a real Redis."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from hive_site.configuration import PROJECT, project_version
from nodes import wire
from nodes.spore.gate import Gate
from tests.contracts.redis import NOWHERE, Broker
from tests.nodes.cast import wait_until
from tests.nodes.spore.launched import NODE, Seam

pytestmark = pytest.mark.processes


@pytest.fixture
def seam(tmp_path, real_broker):
    seam = Seam(tmp_path, real_broker)
    yield seam
    seam.close()


def tree(child):
    """The agent and its slots."""
    agent = psutil.Process(child.process.pid)
    return [agent, *agent.children(recursive=True)]


def gone(processes):
    return not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in processes)


def test_an_agent_behind_its_gate_loads_everything_and_pops_nothing(seam):
    bundle = seam.send("demo.echo", ["x"], incarnation="one")
    child = seam.start(gated=True, incarnation="one", slots=2)

    ready = child.hear("ready")

    assert (ready["count"], ready["release"], ready["redis"]) == (2, project_version(), True)
    assert len(ready["tasks"]) == 32
    assert seam.lists() == [bundle.encode()]
    assert not seam.redis.exists(wire.beat_key(NODE), wire.tasks_key(ready["tasks"]))
    assert seam.redis.smembers("rq:workers") == set()


def test_whoever_waits_at_the_gate_sleeps(seam):
    child = seam.start(gated=True, incarnation="one", slots=2)
    child.hear("ready")
    slots = tree(child)[1:]
    wait_until(lambda: all(slot.status() == psutil.STATUS_SLEEPING for slot in slots))
    before = [slot.num_ctx_switches().voluntary for slot in slots]

    end = time.monotonic() + 0.5
    wait_until(lambda: child.listen() or time.monotonic() > end)

    assert [slot.num_ctx_switches().voluntary for slot in slots] == before


def test_once_let_through_it_lives_and_proves_that_it_works(seam):
    child = seam.start(gated=True, incarnation="one")
    child.hear("ready")

    child.say("go", {"elders": []})

    assert child.hear("live") == {"incarnation": "one"}
    assert child.hear("probe") == {"ok": True, "release": project_version(), "reason": ""}
    assert seam.beat()["tasks"] == child.hear("ready")["tasks"]
    assert seam.lists() == seam.reports() == []
    assert seam.redis.ttl(wire.proof_key(NODE)) > 0


def test_it_goes_only_when_it_is_ready_however_early_it_may(seam):
    child = seam.start(gated=True, incarnation="one")
    child.say("go", {"elders": []})

    child.hear("live")

    assert child.words()[:2] == ["ready", "live"]


@pytest.mark.parametrize(
    ("code", "last"),
    [
        ("def broken(:", "SyntaxError: "),
        (
            "import nowhere_to_be_found",
            "ModuleNotFoundError: No module named 'nowhere_to_be_found'",
        ),
        ("import sys; sys.exit(0)", "SystemExit: 0"),
        ("import os; os._exit(3)", "exit code 3"),
        ("import os; os._exit(0)", "exit code 0"),
        ("import os; os.kill(os.getpid(), 9)", "signal SIGKILL"),
    ],
)
def test_code_that_cannot_be_loaded_ends_the_agent_with_the_reason(seam, code, last):
    (seam.home / "seam_tasks.py").write_text(code)
    child = seam.start(gated=True, incarnation="one", slots=2)

    code = child.end()

    assert code not in (0, None)
    assert last in child.errors().splitlines()[-1]
    assert "ready" not in child.words()


def test_an_agent_that_cannot_reach_redis_is_ready_and_says_so(tmp_path):
    seam = Seam(tmp_path, Broker(NOWHERE, lambda **_: None, real=False))
    try:
        assert seam.start(gated=True, incarnation="one").hear("ready")["redis"] is False
    finally:
        seam.close()


def test_a_signal_ends_an_agent_that_waits_without_a_word_to_the_foreman(seam):
    child = seam.start(gated=True, incarnation="one")
    child.hear("ready")

    child.process.send_signal(signal.SIGTERM)

    assert child.end() == 0
    assert child.hear("leaving") == {"why": "signal"}
    assert seam.reports() == []


def test_an_agent_that_is_retired_while_it_waits_just_ends(seam):
    child = seam.start(gated=True, incarnation="one")
    child.hear("ready")

    child.say("retire", {"seconds": 5})

    assert child.end() == 0
    assert seam.reports() == []


@pytest.mark.parametrize("gated", [True, False])
def test_an_agent_whose_launcher_is_gone_ends_with_all_its_slots(seam, gated):
    child = seam.start(gated=gated, incarnation="one")
    child.hear("ready" if gated else "live")
    if not gated:
        seam.hold(child, incarnation="one")
    everybody = tree(child)

    child.let_go()

    assert child.end() == 1
    wait_until(lambda: gone(everybody))


LAUNCHER = """
import os, subprocess, sys
(reader, writer), words = os.pipe(), sys.argv[1:]
back, answer = os.pipe()
child = subprocess.Popen(words, pass_fds=(reader, answer),
    env={**os.environ, "HIVE_LAUNCHER_FDS": f"{reader},{answer}"})
print(child.pid, os.read(back, 9)[:1], flush=True)
os.read(back, 1_000_000)
child.wait()
"""


def test_an_agent_dies_with_its_launcher_even_if_somebody_holds_the_pipe(seam, real_broker):
    from tests.nodes.spore.launched import KEY

    reader, writer = os.pipe()
    env = {k: v for k, v in os.environ.items() if k != "DJANGO_SETTINGS_MODULE"}
    env |= {"REDIS_URL": real_broker.url, "HIVE_NODE_KEY": KEY.hex(), "HIVE_GATE": "1"}
    words = [sys.executable, "manage.py", "rqworker", "--name", NODE, "--home", str(seam.home)]
    launcher = subprocess.Popen(
        [sys.executable, "-c", LAUNCHER, *words], cwd=PROJECT, env=env, stdout=subprocess.PIPE
    )
    assert launcher.stdout
    agent = psutil.Process(int(launcher.stdout.readline().split()[0]))
    everybody = [agent, *agent.children(recursive=True)]

    launcher.kill()
    launcher.wait()

    wait_until(lambda: gone(everybody))
    launcher.stdout.close()
    for end in (reader, writer):
        os.close(end)


def test_tasks_find_nothing_of_the_launcher_in_their_environment(seam):
    (seam.home / "seam_tasks.py").write_text(
        "import os\nfrom jobs import task\n"
        "@task('seam.look')\ndef look(ctx, item):\n"
        "    return [k for k in os.environ if k in ('HIVE_LAUNCHER_FDS', 'HIVE_GATE')]\n"
    )
    child = seam.start(gated=True, incarnation="one")
    child.hear("ready")
    child.say("go", {})
    child.hear("live")

    seam.send("seam.look", [None], incarnation="one")

    wait_until(lambda: child.listen() or seam.results() == {100: []})


def test_a_bundle_for_a_task_that_a_new_release_lacks_is_handed_back_at_first(seam):
    child = seam.start(gated=True, incarnation="one")
    child.hear("ready")
    seam.send("gone.task", [1, 2], incarnation="one")

    child.say("go", {"elders": []})
    child.hear("probe")
    wait_until(lambda: child.listen() or seam.events("back"))
    seam.send("gone.task", [3], incarnation="one", now=time.time() + 60)
    wait_until(lambda: child.listen() or seam.events("fail"))

    assert [event["attempts"] for event in seam.events("back")] == [[100, 101]]
    assert [event["a"] for event in seam.events("fail")] == [102]


def test_shutdown_tells_the_launcher_that_it_is_meant(seam):
    import json

    from hive_site.kernel.envelope import seal
    from tests.nodes.spore.launched import KEY

    child = seam.start(incarnation="one")
    child.hear("live")
    call = {"v": wire.PROTOCOL, "node": NODE, "id": "bc_1", "command": "SHUTDOWN"}
    call |= {"incarnation": "one", "expires": time.time() + 30, "data": {}}
    envelope = seal(json.dumps(call), key=KEY, purpose=wire.PURPOSE_COMMAND)
    seam.redis.rpush(wire.commands_key(NODE), envelope)

    assert child.end() == 0
    assert child.hear("leaving") == {"why": "shutdown"}
    assert [body["leaving"] for body in seam.reports()] == [True]


def test_a_gate_lets_through_within_milliseconds_and_stays_open():
    gate, (reader, writer) = Gate(shut=True), os.pipe()
    pid = os.fork()
    if not pid:
        gate.approach()
        os.write(writer, b"w")
        gate.wait()
        os.write(writer, b"o")
        os._exit(0 if gate.is_open else 1)
    os.read(reader, 1)

    began = time.monotonic()
    gate.open()
    os.read(reader, 1)
    took = time.monotonic() - began

    gate.open()
    gate.wait()
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert gate.is_open
    assert took < 0.5
    for end in (reader, writer):
        os.close(end)
