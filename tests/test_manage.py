"""The command line as a process of its own: which settings and which directory it works on."""

import os
import subprocess
import sys

import pytest

from hive_site.commands.data_dir import find_data_dir
from hive_site.configuration import PROJECT, SQLITE_FILE
from hive_site.joined_home import FILE, write_home
from hive_site.management.commands.hive import Command

FOREIGN = ("HIVE_", "REDIS_", "DATABASE_URL", "DJANGO_")


def manage(*argv, cwd, **also):
    env = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    return subprocess.run(
        [sys.executable, str(PROJECT / "manage.py"), *argv],
        cwd=cwd,
        env=env | also,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_data_of_a_broadcast_is_for_the_nodes_and_no_directory(tmp_path):
    used, cwd = tmp_path / "used", tmp_path / "cwd"
    cwd.mkdir()

    ran = manage("hive", "broadcast", "PING", "--data", "n=1", cwd=cwd, HIVE_DATA_DIR=str(used))

    assert (used / SQLITE_FILE).exists()
    assert list(cwd.iterdir()) == []
    assert "`manage.py migrate` or `hive up` prepares it" in ran.stderr


def test_a_doctor_sees_what_the_spore_of_a_home_sees(tmp_path):
    home = tmp_path / "home"
    said = {"HIVE_NODE_NAME": "far", "HIVE_NODE_KEY": "ab" * 32, "REDIS_URL": "redis://h.invalid/0"}
    write_home(home, said, {})

    ran = manage("hive", "doctor", "--home", str(home), cwd=tmp_path, SECRET_KEY="")

    assert (ran.returncode, ran.stderr) == (1, "")
    assert "redis://h.invalid/0" in ran.stdout
    assert "Database" not in ran.stdout


def test_a_doctor_sees_what_a_spore_of_a_pool_sees(tmp_path):
    said = {"HIVE_POOL_KEY": f"ants:{'ab' * 32}", "REDIS_HOST": "h.invalid"}

    ran = manage("hive", "doctor", cwd=tmp_path, SECRET_KEY="", **said)

    assert (ran.returncode, ran.stderr) == (1, "")
    assert "redis://***@h.invalid:6379/0" in ran.stdout
    assert "Database" not in ran.stdout


def test_a_home_that_cannot_be_read_is_told_in_a_line(tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / FILE).write_text("NO=name\n")

    ran = manage("hive", "doctor", "--home", "home", cwd=tmp_path)

    assert ran.returncode == 1
    assert ran.stderr.startswith("hive: home/spore.env names no node")


@pytest.mark.parametrize("argv", [("list", "--data", "wanted"), ("--data", "wanted", "list")])
def test_the_keys_are_those_of_the_directory_that_is_given(tmp_path, argv):
    ran = manage("ota", "keys", *argv, cwd=tmp_path)

    assert ran.returncode == 1
    assert "wanted/ota/metadata" in ran.stderr
    assert not (tmp_path / "var").exists()


def test_a_command_works_on_the_directory_that_it_is_given(tmp_path):
    wanted = tmp_path / "wanted"

    ran = manage("hive", "status", "--json", "--data", "wanted", cwd=tmp_path)

    assert (ran.returncode, "migrate" in ran.stderr) == (1, True)
    assert (wanted / SQLITE_FILE).exists()
    assert list(tmp_path.iterdir()) == [wanted]


@pytest.mark.parametrize(
    "name", [n for n in Command.verbs if n != "broadcast" and Command().find_module(n)]
)
def test_every_command_of_an_installation_takes_its_directory(name):
    parser = Command().create_parser("manage.py", "hive")
    shelf = next(action for action in parser._actions if action.dest == "verb")

    assert "--data DIR" in shelf.choices[name].format_help()


@pytest.mark.parametrize(
    ("argv", "found"),
    [
        ("status --data /a", "/a"),
        ("status --data=/a --json", "/a"),
        ("--settings x status --data /a", "/a"),
        ("submit broadcast --dat /a --items -", "/a"),
        ("--verbosity 2 broadcast PING --data a=1", None),
        ("broadcast PING --data=a=1", None),
        ("status --data", None),
        ("--data /a", None),
        ("status", None),
    ],
)
def test_the_directory_is_the_one_that_the_command_itself_would_see(argv, found):
    assert find_data_dir(argv.split()) == found


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_who_asks_what_there_is_reads_of_no_error(flag, tmp_path):
    ran = manage("hive", flag, cwd=tmp_path)

    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith("usage: ")


def test_who_names_no_command_is_told_so_once(tmp_path):
    ran = manage("hive", cwd=tmp_path)

    assert (ran.returncode, ran.stdout) == (2, "")
    said = "arguments are required: COMMAND; manage.py hive --help shows what there is\n"
    assert ran.stderr.endswith(said)
    assert ran.stderr.count("\n") == 1


def test_ctrl_c_during_the_start_is_no_traceback(tmp_path):
    package = tmp_path / "django"
    package.mkdir()
    (package / "__init__.py").write_text("import os; os.kill(os.getpid(), 2)\n")

    ran = manage("hive", "status", cwd=tmp_path, PYTHONPATH=str(tmp_path))

    assert (ran.returncode, ran.stderr) == (130, "")


def test_a_python_without_django_is_told_where_the_other_one_is(tmp_path):
    (tmp_path / "django.py").write_text("raise ModuleNotFoundError('no django')\n")

    ran = manage("hive", "status", cwd=tmp_path, PYTHONPATH=str(tmp_path))

    assert (ran.returncode, ran.stdout) == (1, "")
    assert ".venv/bin/python manage.py" in ran.stderr
    assert ran.stderr.count("\n") == 1
