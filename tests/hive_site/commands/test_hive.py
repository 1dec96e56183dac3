import os
import subprocess
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError
from redis.exceptions import ConnectionError as RedisConnectionError

from hive_site.commands import key
from hive_site.configuration import PROJECT
from hive_site.kernel.errors import Conflict, Invalid, NotFound, Unavailable
from hive_site.management.commands.hive import Command
from hive_site.management.dispatcher import explain


def hive(*argv: str) -> int:
    with pytest.raises(SystemExit) as exit_:
        Command().run_from_argv(["manage.py", "hive", *argv])
    return exit_.value.code


@pytest.mark.parametrize("error", [Invalid("x"), ImproperlyConfigured("x")])
def test_wrong_use_exits_with_2(error):
    assert explain(error) == ("x", 2)


@pytest.mark.parametrize("error", [NotFound("x"), Conflict("x"), Unavailable("x")])
def test_a_failure_exits_with_1(error):
    assert explain(error) == ("x", 1)


def test_an_outage_is_told_with_the_way_out():
    redis, database = explain(RedisConnectionError("refused")), explain(OperationalError("locked"))

    assert redis[1] == database[1] == 1
    assert "REDIS_URL" in redis[0]
    assert "DATABASE_URL" in database[0]


def test_a_database_that_is_busy_is_not_said_to_be_unprepared():
    told, code = explain(OperationalError("database is locked"))

    assert code == 1
    assert told == (
        "database: database is locked; another program kept writing to it for 20 s; try again"
    )


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["fly"],
        ["key"],
        ["key", "laptop", "--scopes", "submit,everything"],
        ["up", "--port", "65536"],
        ["up", "--spores", "-1"],
        ["status", "--yaml"],
    ],
)
def test_wrong_use_is_told_in_one_line_without_a_traceback(argv, capsys):
    assert hive(*argv) == 2

    complaint = capsys.readouterr().err
    assert len(complaint.splitlines()) == 1
    assert "Traceback" not in complaint


def test_a_wrong_scope_is_named_with_those_there_are(capsys):
    hive("key", "laptop", "--scopes", "submit,everything")

    complaint = capsys.readouterr().err
    assert "'everything'" in complaint
    assert "submit,read,control,ota" in complaint


def test_help_lists_the_commands_for_people_and_no_others(capsys):
    assert hive("--help") == 0

    listed = capsys.readouterr().out
    assert {"up", "status", "doctor", "key", "login-link"} <= set(listed.split())
    assert "prepare" not in listed


def test_a_command_that_is_not_installed_is_hidden():
    assert Command().find_module("no-such-thing") is None
    assert Command().find_module("login-link") is not None
    assert "up" in Command.verbs


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (Invalid("--scopes: no"), 2, "hive key: --scopes: no"),
        (Conflict("it is there already"), 1, "hive key: it is there already"),
        (RedisConnectionError("refused"), 1, "hive key: Redis: refused"),
        (OSError(28, "No space left on device"), 1, "No space left on device; `hive doctor`"),
    ],
)
def test_what_goes_wrong_is_told_in_one_line(monkeypatch, capsys, error, code, said):
    def fail(options):
        raise error

    monkeypatch.setattr(key, "run", fail)

    assert hive("key", "laptop") == code
    complaint = capsys.readouterr().err
    assert said in complaint
    assert len(complaint.splitlines()) == 1


def test_ctrl_c_is_no_traceback(monkeypatch, capsys):
    def interrupt(options):
        raise KeyboardInterrupt

    monkeypatch.setattr(key, "run", interrupt)

    assert hive("key", "laptop") == 130
    assert capsys.readouterr().err == ""


def test_a_defect_is_no_line_but_a_traceback(monkeypatch):
    def break_(options):
        raise ZeroDivisionError

    monkeypatch.setattr(key, "run", break_)

    with pytest.raises(ZeroDivisionError):
        Command().run_from_argv(["manage.py", "hive", "key", "laptop"])


def test_a_reader_that_has_had_enough_hears_no_complaint(tmp_path):
    reader, writer = os.pipe()
    os.close(reader)
    env = {name: value for name, value in os.environ.items() if not name.startswith("DJANGO")}
    script = [sys.executable, str(PROJECT / "manage.py"), "hive", "doctor", "--json"]

    ran = subprocess.run(
        script,
        stdout=writer,
        stderr=subprocess.PIPE,
        env=env | {"HIVE_DATA_DIR": str(tmp_path)},
        check=False,
    )

    os.close(writer)
    assert (ran.returncode, ran.stderr) == (0, b"")
