import json
from dataclasses import replace

import pytest

from hive_site.commands import doctor
from hive_site.commands.checkups.finding import bad, ok, warn
from hive_site.stack.redis_server import free_port
from tests.end_to_end.colony import clean_environment, manage


@pytest.fixture
def hive(settings, tmp_path):
    """The options of a machine where nothing of the Hive runs."""
    nexus = f"http://127.0.0.1:{free_port()}"
    redis = f"redis://:hush@127.0.0.1:{free_port()}/0"
    settings.HIVE = replace(settings.HIVE, data=tmp_path, nexus_url=nexus, redis_url=redis)
    return settings.HIVE


@pytest.mark.django_db
def test_a_machine_without_a_redis_is_not_healthy(hive, capsys):
    assert doctor.run({"json": True}) == 1

    told = json.loads(capsys.readouterr().out)
    verdicts = {row["name"]: row["verdict"] for row in told["findings"]}
    assert told["healthy"] is False
    assert verdicts["Redis"] == "bad"
    assert verdicts["Python"] == verdicts["Database"] == verdicts["Migrations"] == "ok"
    assert all(row["mend"] for row in told["findings"] if row["verdict"] != "ok")


@pytest.mark.django_db
def test_no_password_is_told(hive, capsys):
    doctor.run({"json": False})

    assert "hush" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("findings", "code"),
    [
        ([ok("Disk", "fine")], 0),
        ([ok("Disk", "fine"), warn("Clock", "late", "set it")], 0),
        ([warn("Clock", "late", "set it"), bad("Disk", "full", "make room")], 1),
    ],
)
def test_only_what_is_bad_makes_it_fail(monkeypatch, capsys, findings, code):
    monkeypatch.setattr(doctor, "examine", lambda: findings)

    assert doctor.run({"json": True}) == code
    assert json.loads(capsys.readouterr().out)["healthy"] is (code == 0)


def test_people_see_each_finding_with_its_remedy_below(monkeypatch, capsys):
    findings = [ok("Disk", "[bold]9 GiB"), bad("Redis", "away", "start it [now]")]
    monkeypatch.setattr(doctor, "examine", lambda: findings)

    doctor.run({"json": False})

    disk, redis, remedy = capsys.readouterr().out.splitlines()
    assert disk.startswith("✓ Disk")
    assert disk.endswith("[bold]9 GiB")
    assert redis.startswith("✗ Redis")
    assert remedy.strip() == "→ start it [now]"


@pytest.mark.processes
def test_a_machine_with_only_a_spore_needs_no_database_and_gets_none(tmp_path):
    home = tmp_path / "home"
    env = clean_environment(
        HIVE_NODE_KEY="00ff",
        HIVE_DATA_DIR=str(home),
        HIVE_NEXUS_URL=f"http://127.0.0.1:{free_port()}",
        REDIS_URL=f"redis://:hush@127.0.0.1:{free_port()}/0",
    )

    ran = manage("hive", "doctor", "--json", env=env)

    verdicts = {row["name"]: row["verdict"] for row in json.loads(ran.stdout)["findings"]}
    assert ran.returncode == 1
    assert (verdicts["Nexus"], verdicts["Redis"], verdicts["Python"]) == ("bad", "bad", "ok")
    assert not {"Database", "ALLOWED_HOSTS"} & verdicts.keys()
    assert not home.exists()
    assert "hush" not in ran.stdout + ran.stderr
