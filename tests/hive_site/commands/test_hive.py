import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError
from redis.exceptions import ConnectionError as RedisConnectionError

from hive_site.kernel.errors import Conflict, Invalid, NotFound, Unavailable
from hive_site.management.commands.hive import SUBCOMMANDS, Command, explain, find_module


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
    assert {"up", "status", "doctor", "key"} <= set(listed.split())
    assert "prepare" not in listed
    assert "login-link" not in listed


def test_a_command_that_is_not_installed_is_hidden():
    assert find_module("no-such-thing") is None
    assert find_module("login-link") is not None
    assert "up" in SUBCOMMANDS
