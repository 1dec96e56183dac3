"""`rqworker`: a Spore, unless it is given names of other queues."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django_rq.management.commands.rqworker import Command as PlainWorker

from hive_site import wiring
from hive_site.configuration import PROJECT
from hive_site.kernel.redis_login import with_login
from hive_site.stack.redis_server import free_port
from nodes.domain.names import NODE_NAME


class Agent:
    """Runs at once, and remembers who it was."""

    def __init__(self, started, identity):
        self._started, self._identity = started, identity

    def check_name_is_free(self):
        """Nobody else is here."""

    def run(self):
        self._started.append(self._identity)


@pytest.fixture
def started(monkeypatch):
    """The identities of the Spores that were started."""
    started = []
    monkeypatch.setattr(wiring, "build_agent", lambda identity, home, **_: Agent(started, identity))
    return started


@pytest.fixture
def plain(monkeypatch):
    """What django-rq's own worker was asked for."""
    asked = []
    monkeypatch.setattr(
        PlainWorker, "handle", lambda self, *queues, **options: asked.append((queues, options))
    )
    return asked


def test_a_spore_is_who_its_flags_say(started, settings):
    flags = {"label": ["site=lab", "rack=4"], "capability": ["ffmpeg"], "slots": 3}

    call_command("rqworker", name="bee-1", **flags)

    [identity] = started
    assert (identity.name, identity.slots) == ("bee-1", 3)
    assert identity.labels == {"site": "lab", "rack": "4"}
    assert identity.capabilities == ("ffmpeg",)
    assert identity.release == settings.HIVE_RELEASE


def test_without_flags_it_is_this_machine_with_one_slot(started):
    call_command("rqworker")

    assert started[0].slots == 1
    assert NODE_NAME.fullmatch(started[0].name)


def test_every_start_is_another_incarnation(started):
    call_command("rqworker")
    call_command("rqworker")

    assert started[0].incarnation != started[1].incarnation


def test_the_queues_of_waiting_work_are_no_others(started, plain, settings):
    call_command("rqworker", *settings.HIVE.queues)

    assert (len(started), plain) == (1, [])


def test_names_of_other_queues_start_a_plain_worker_that_never_unpickles(started, plain, settings):
    call_command("rqworker", "mail", "high_priority")

    [(queues, options)] = plain
    assert queues == ("mail", "high_priority")
    assert options["serializer"] == "hive_site.rq_serializer.SignedJSON"
    assert settings.RQ_QUEUES["mail"] == {"URL": settings.REDIS_URL}
    assert started == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": "no spaces"}, "--name 'no spaces': give 1 to 48 letters"),
        ({"name": "x" * 49}, "give 1 to 48"),
        ({"slots": 0}, "--slots 0: give 1 to 256"),
        ({"label": ["site"]}, "--label 'site': give key=value"),
        ({"label": ["=lab"]}, "give key=value"),
    ],
)
def test_wrong_use_is_told_in_a_line_with_exit_code_2(started, capsys, wrong, said):
    with pytest.raises(SystemExit) as exit_:
        call_command("rqworker", **wrong)

    assert exit_.value.code == 2
    complaint = capsys.readouterr().err
    assert said in complaint
    assert len(complaint.splitlines()) == 1
    assert started == []


def test_a_key_that_is_none_is_refused(started, monkeypatch, capsys):
    monkeypatch.setenv("HIVE_NODE_KEY", "honey")

    with pytest.raises(SystemExit):
        call_command("rqworker")

    assert "HIVE_NODE_KEY: give the key in hexadecimal" in capsys.readouterr().err


def test_a_hive_that_is_switched_off_runs_no_spore(started, settings):
    settings.HIVE = replace(settings.HIVE, enabled=False)

    with pytest.raises(CommandError, match="ENABLE_HIVE is false"):
        call_command("rqworker")


def test_the_home_of_a_spore_is_made_for_its_owner_only(started, tmp_path):
    home = tmp_path / "a" / "home"

    call_command("rqworker", home=str(home))

    assert home.stat().st_mode & 0o077 == 0


def run(*argv, **env):
    """What a Spore's process of its own says, far from the Nexus's settings."""
    given = {k: v for k, v in os.environ.items() if not k.startswith(("HIVE_", "DJANGO_"))}
    script = [sys.executable, str(PROJECT / "manage.py"), "rqworker", *argv]
    return subprocess.run(script, env=given | env, capture_output=True, text=True, check=False)


def test_without_a_redis_it_ends_with_a_line_and_without_a_password():
    url = f"redis://:hush@127.0.0.1:{free_port()}/0"

    ran = run(REDIS_URL=url, HIVE_NODE_KEY="00")

    assert ran.returncode == 1
    assert "no Redis at redis://***@127.0.0.1" in ran.stderr
    assert "set REDIS_URL" in ran.stderr
    assert "hush" not in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.processes
def test_whoever_redis_refuses_is_told_the_way_in(real_broker):
    url = with_login(real_broker.url, "node:gone", "hush")

    ran = run(REDIS_URL=url, HIVE_NODE_KEY="00")

    assert ran.returncode == 1
    assert "a pool comes in if HIVE_REDIS_POOLS of the Foreman names it" in ran.stderr
    assert "hush" not in ran.stderr


def test_without_a_key_the_ways_to_one_are_told(tmp_path):
    ran = run(HIVE_DATA_DIR=str(tmp_path))

    assert ran.returncode == 2
    assert "set HIVE_NODE_KEY" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_pipes_to_a_launcher_that_are_none_are_told(started, monkeypatch, capsys):
    monkeypatch.setenv("HIVE_LAUNCHER_FDS", "7")

    with pytest.raises(SystemExit) as ended:
        call_command("rqworker")

    assert (ended.value.code, started) == (2, [])
    assert "HIVE_LAUNCHER_FDS '7'" in capsys.readouterr().err
