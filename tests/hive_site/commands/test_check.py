import json

import fakeredis
import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from hive_site.commands import check
from hive_site.kernel import redis as kernel
from jobs.models import Job
from jobs.services import submit_job

pytestmark = pytest.mark.django_db

STRAY = "hive:stray"


@pytest.fixture
def server(monkeypatch):
    """The Redis that the command finds; it takes two looks at it without a rest in between."""
    server = fakeredis.FakeServer()
    monkeypatch.setattr(kernel, "connect", lambda url, **_: fakeredis.FakeRedis(server=server))
    monkeypatch.setattr(check, "LOOK_AGAIN_AFTER_SECONDS", 0.0)
    return server


@pytest.fixture
def client(server):
    return fakeredis.FakeRedis(server=server)


@pytest.fixture
def run(capsys):
    """Runs `hive check`; its exit code and what it printed."""

    def start(*, json=False, repair=False):
        code = check.run({"json": json, "repair": repair})
        return code, capsys.readouterr()

    return start


@pytest.fixture
def miscounted(redis):
    job = submit_job(task="demo.echo", items=[1, 2])
    Job.objects.filter(pk=job.pk).update(succeeded=1)
    return job


def test_a_hive_in_order_is_told_so(run, server):
    code, said = run()

    assert (code, said.out, said.err) == (0, "all invariants hold\n", "")


def test_programs_get_one_document(run, server):
    code, said = run(json=True)

    told = json.loads(said.out)
    assert (code, told) == (0, {"ok": True, "violations": [], "repaired": [], "redis": True})


def test_what_does_not_hold_is_listed_by_rule_and_subject(run, server, miscounted):
    code, said = run()

    assert code == 1
    assert said.err.startswith(f"I5  {miscounted.pk}: counters say")
    assert "1 violations" in said.err


def test_counters_can_be_mended(run, server, miscounted):
    code, said = run(repair=True)

    miscounted.refresh_from_db()
    assert code == 0
    assert "mended: set the counters of " in said.out
    assert miscounted.succeeded == 0


def test_what_two_looks_at_redis_show_is_wrong(run, client):
    client.set(STRAY, "1")

    code, said = run(json=True)

    [violation] = json.loads(said.out)["violations"]
    assert code == 1
    assert (violation["rule"], violation["subject"]) == ("I12", STRAY)


def test_what_only_one_look_shows_was_work_in_motion(run, client, monkeypatch):
    client.set(STRAY, "1")
    monkeypatch.setattr(check, "sleep", lambda seconds: client.delete(STRAY))

    code, said = run()

    assert (code, said.err) == (0, "")
    assert "work is in motion" in said.out


def test_what_only_the_second_look_shows_is_not_told_yet(run, client, monkeypatch):
    def another(seconds):
        client.delete(STRAY)
        client.set("hive:newer", "1")

    client.set(STRAY, "1")
    monkeypatch.setattr(check, "sleep", another)

    assert run()[0] == 0


def test_while_the_hive_is_stopped_redis_is_left_out(run, server, monkeypatch):
    monkeypatch.delenv("REDIS_URL")
    server.connected = False

    code, said = run()

    assert code == 0
    assert "Redis was not looked into" in said.out
    assert json.loads(run(json=True)[1].out)["redis"] is False


def test_a_redis_that_was_named_must_be_there(run, server, monkeypatch):
    monkeypatch.setenv("REDIS_URL", "redis://elsewhere/0")
    server.connected = False

    with pytest.raises(RedisConnectionError):
        run()
