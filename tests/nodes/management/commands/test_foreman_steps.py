"""`manage.py foreman`: one step, outages, and the ways in which it ends."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta

import fakeredis
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from hive_site import wiring
from hive_site.configuration import PROJECT
from hive_site.kernel.pulse import read_sign
from hive_site.stack.redis_server import free_port
from jobs.services import submit_job
from nodes import wire
from nodes.foreman import Foreman
from nodes.management.commands import foreman as command
from nodes.models import Lease

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def signals():
    """The process's own signals are given back."""
    before = {signum: signal.getsignal(signum) for signum in (signal.SIGINT, signal.SIGTERM)}
    yield
    for signum, handler in before.items():
        signal.signal(signum, handler)


@pytest.fixture
def server(monkeypatch):
    """The Redis that the Foreman reaches."""
    server = fakeredis.FakeServer()
    monkeypatch.setattr(wiring, "connect", lambda url, **_: fakeredis.FakeRedis(server=server))
    monkeypatch.setattr(command, "REST_AFTER_OUTAGE_SECONDS", 0.0)
    return server


def test_one_step_leads_draws_a_picture_and_makes_way(server):
    call_command("foreman", once=True)

    lease = Lease.objects.get()
    assert (lease.epoch, lease.holder, lease.expires_at) == (1, "", None)
    assert fakeredis.FakeRedis(server=server).exists(wire.SNAPSHOT)


def test_another_step_leads_in_another_epoch(server):
    call_command("foreman", once=True)
    call_command("foreman", once=True)

    assert Lease.objects.get().epoch == 2


def test_a_step_does_what_is_due(server, redis):
    job = submit_job(task="demo.echo", items=[1])
    job.state = "cancelling"
    job.save()

    call_command("foreman", once=True)

    job.refresh_from_db()
    assert job.state == "cancelled"


def test_without_a_redis_at_the_start_it_says_so_without_the_password(settings):
    url = f"redis://:hush@127.0.0.1:{free_port()}/0"
    settings.HIVE = replace(settings.HIVE, redis_url=url)

    with pytest.raises(CommandError, match=r"no Redis at redis://\*\*\*@127") as caught:
        call_command("foreman", once=True)

    assert "set REDIS_URL" in str(caught.value)
    assert "hush" not in str(caught.value)


def test_a_hive_that_is_switched_off_runs_no_foreman(settings, server):
    settings.HIVE = replace(settings.HIVE, enabled=False)

    with pytest.raises(CommandError, match="ENABLE_HIVE is false"):
        call_command("foreman", once=True)


def test_one_step_that_meets_an_outage_is_a_failure(server, monkeypatch):
    whole = Foreman.tick

    def tick(self, now):
        whole(self, now)
        raise OSError("the wire was cut")

    monkeypatch.setattr(Foreman, "tick", tick)

    with pytest.raises(CommandError, match="the wire was cut"):
        call_command("foreman", once=True)
    assert Lease.objects.get().holder == ""


@pytest.mark.django_db(transaction=True)
def test_a_foreman_outlives_outages_until_it_is_told_to_stop(server, monkeypatch):
    steps = iter(["redis away", "redis back", "stop"])
    whole = Foreman.tick

    def tick(self, now):
        step = next(steps)
        server.connected = step != "redis away"
        if step == "stop":
            signal.raise_signal(signal.SIGTERM)
        return whole(self, now)

    monkeypatch.setattr(Foreman, "tick", tick)

    call_command("foreman")

    assert list(steps) == []
    assert Lease.objects.get().holder == ""


@pytest.mark.django_db(transaction=True)
def test_its_signs_of_life_say_what_it_is_about(server, monkeypatch, settings, tmp_path):
    settings.HIVE = replace(settings.HIVE, pulse=tmp_path / "pulse")
    steps, signs = iter(["leads", "redis away", "another leads", "stop"]), []
    whole = Foreman.tick

    def tick(self, now):
        if (step := next(steps)) != "leads":
            signs.append(read_sign(tmp_path / "pulse"))
        server.connected = step != "redis away"
        if step == "another leads":
            Lease.objects.update(holder="another", epoch=7, expires_at=now + timedelta(hours=1))
            self._leadership.doubt()
        if step == "stop":
            signal.raise_signal(signal.SIGTERM)
        return whole(self, now)

    monkeypatch.setattr(Foreman, "tick", tick)

    call_command("foreman")

    assert [(sign.state, sign.works) for sign in signs] == [
        ("leads", True),
        ("waits for Redis and the database", False),
        ("stands by", True),
    ]


def test_a_lease_that_cannot_be_given_back_is_no_failure(server, monkeypatch):
    def stop(self):
        raise OSError("the database is gone")

    monkeypatch.setattr(Foreman, "stop", stop)

    call_command("foreman", once=True)


def test_its_process_ends_with_a_line_and_no_traceback(tmp_path):
    env = {k: v for k, v in os.environ.items() if not k.startswith(("HIVE_", "DJANGO_"))}
    redis = {"REDIS_URL": f"redis://127.0.0.1:{free_port()}/0", "HIVE_DATA_DIR": str(tmp_path)}
    script = [sys.executable, str(PROJECT / "manage.py"), "foreman"]

    ran = subprocess.run(script, env=env | redis, capture_output=True, text=True, check=False)

    assert ran.returncode == 1
    assert ran.stderr.startswith("CommandError: no Redis at redis://127.0.0.1")
    assert len(ran.stderr.splitlines()) == 1
