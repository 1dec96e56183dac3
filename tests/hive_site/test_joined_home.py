"""A home says who its Spore is; the command line and the environment may say otherwise."""

import json

import pytest
from django.core.exceptions import ImproperlyConfigured

from hive_site.joined_home import FILE, find_flag, follow_home, read_home, write_home

VALUES = {
    "HIVE_NODE_NAME": "gpu-1",
    "HIVE_NODE_KEY": "00ff",
    "HIVE_NODE_SLOTS": "4",
    "HIVE_NODE_LABELS": json.dumps({"site": "lab = 1, #2"}),
    "HIVE_NODE_CAPABILITIES": json.dumps(["ffmpeg"]),
    "HIVE_NEXUS_URL": "https://hive.example",
    "REDIS_URL": "rediss://node%3Agpu-1:pw@redis.example:6379/0",
}


@pytest.fixture
def home(tmp_path):
    write_home(tmp_path / "home", VALUES, {})
    return tmp_path / "home"


def follow(home, *more, **environ):
    environ = dict(environ)
    argv = follow_home(["manage.py", "rqworker", "--home", str(home), *more], environ)
    return argv, environ


def test_a_short_line_is_enough(home):
    argv, environ = follow(home)

    flags = ("--name", "gpu-1", "--slots", "4", "--label", "site=lab = 1, #2")
    assert argv == [
        *("manage.py", "rqworker", *flags, "--capability", "ffmpeg"),
        *("--home", str(home)),
    ]
    assert environ == {**VALUES, "HIVE_DATA_DIR": str(home)}


def test_the_environment_counts_more_than_the_file(home):
    argv, environ = follow(home, HIVE_NODE_SLOTS="9", HIVE_NEXUS_URL="https://other.example")

    assert find_flag(argv, "--slots") == "9"
    assert environ["HIVE_NEXUS_URL"] == "https://other.example"


def test_the_command_line_counts_most(home):
    argv, _ = follow(home, "--slots", "2", HIVE_NODE_SLOTS="9")

    assert find_flag(argv, "--slots") == "2"


@pytest.mark.parametrize(
    ("given", "left_out"),
    [
        ({"REDIS_HOST": "h"}, "REDIS_URL"),
        ({"REDIS_URL_FILE": "/run/secrets/redis"}, "REDIS_URL"),
        ({"HIVE_NODE_KEY_FILE": "/run/secrets/key"}, "HIVE_NODE_KEY"),
        ({"HIVE_FLEET_KEY": "k"}, "HIVE_NODE_KEY"),
    ],
)
def test_what_is_given_in_another_way_is_not_overruled(home, given, left_out):
    _, environ = follow(home, **given)

    assert left_out not in environ


def test_a_home_is_nobody_else_s(home):
    with pytest.raises(ImproperlyConfigured, match="belongs to node 'gpu-1'"):
        follow(home, "--name", "gpu-2")
    assert follow(home, "--name=gpu-1")


def test_a_home_without_the_file_changes_nothing(tmp_path):
    argv, environ = follow(tmp_path)

    assert (argv[2:], environ) == (["--home", str(tmp_path)], {})


def test_a_launcher_s_child_was_told_already(home):
    argv, environ = follow(home, HIVE_LAUNCHER_FDS="3,4")

    assert (argv[2:], environ) == (["--home", str(home)], {"HIVE_LAUNCHER_FDS": "3,4"})


@pytest.mark.parametrize("text", ["", "# nothing\n", "HIVE_NODE_NAME=\n"])
def test_a_file_that_names_nobody_is_told_about(tmp_path, text):
    (tmp_path / FILE).write_text(text)

    with pytest.raises(ImproperlyConfigured, match="names no node"):
        read_home(tmp_path)


@pytest.mark.parametrize("labels", ["{", "[]", "7"])
def test_labels_that_make_no_sense_are_told_about(home, labels):
    with pytest.raises(ImproperlyConfigured, match="HIVE_NODE_LABELS"):
        follow(home, HIVE_NODE_LABELS=labels)


def test_what_is_written_is_its_owner_s_alone(home):
    assert (home.stat().st_mode & 0o777, (home / FILE).stat().st_mode & 0o777) == (0o700, 0o600)
    assert read_home(home) == VALUES


def test_a_kill_in_between_leaves_what_was_there(home, monkeypatch):
    class Killed(BaseException):
        pass

    def die(*_):
        raise Killed

    monkeypatch.setattr("os.fsync", die)
    with pytest.raises(Killed):
        write_home(home, {**VALUES, "HIVE_NODE_NAME": "gpu-2"}, {"ca-1.pem": "…"})

    assert read_home(home) == VALUES


def test_no_value_becomes_two_lines(home):
    with pytest.raises(OSError, match="more than one line"):
        write_home(home, {"HIVE_NODE_NAME": "a\nREDIS_URL=redis://evil"}, {})
