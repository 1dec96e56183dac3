"""`hive backup` and `hive restore` as people call them, without a Hive that runs."""

import contextlib
import errno
import gzip
import json
import shutil
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from hive_site.commands import backup as backup_command
from hive_site.commands.checkups.backups import check_age, read_time
from hive_site.configuration import PROJECT
from tests.end_to_end.colony import clean_environment, manage

pytestmark = pytest.mark.processes


def hive(*argv, data, **env):
    return manage("hive", *argv, "--data", str(data), env=clean_environment(**env))


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A data directory with a database, and a key."""
    data = tmp_path_factory.mktemp("hive") / "data"
    env = clean_environment(HIVE_DATA_DIR=str(data))
    assert manage("migrate", "-v", "0", env=env).returncode == 0
    assert hive("key", "the scraper", data=data).returncode == 0
    return data


@pytest.fixture(scope="module")
def backup(home, tmp_path_factory):
    path = tmp_path_factory.mktemp("backups") / "backup.tar.gz"
    made = hive("backup", "--out", str(path), data=home)
    assert made.returncode == 0, made.stderr
    assert "every secret" in made.stderr
    assert check_age(read_time(home), now=datetime.now(UTC)).found.startswith("the last one")
    return path


def keys(data):
    with contextlib.closing(sqlite3.connect(data / "hive.sqlite3")) as database:
        return [name for (name,) in database.execute("SELECT name FROM nodes_apikey")]


def test_what_was_backed_up_is_there_again(home, backup, tmp_path):
    data = tmp_path / "new"

    ran = hive("restore", str(backup), data=data)

    assert ran.returncode == 0, ran.stderr
    assert f"Restored into {data}" in ran.stdout
    assert keys(data) == ["the scraper"]
    for name in ("fleet_key", "secret_key", "webhook_secret"):
        assert (data / "secrets" / name).read_text() == (home / "secrets" / name).read_text()
    assert {path.name for path in data.iterdir()} <= {"hive.sqlite3", "secrets", "run", "ota"}
    assert all(path.stat().st_mode & 0o077 == 0 for path in data.rglob("*"))


def test_a_directory_without_a_hive_has_nothing_to_back_up(tmp_path):
    ran = hive("backup", "--out", str(tmp_path / "file"), data=tmp_path / "typo")

    assert (ran.returncode, len(ran.stderr.splitlines())) == (1, 1)
    assert "is --data right?" in ran.stderr
    assert not (tmp_path / "file").exists()


def test_a_pipe_will_do_from_one_end_to_the_other(home, tmp_path):
    call = f"{sys.executable} {PROJECT}/manage.py hive"
    line = f"{call} backup --out - --data {home} | {call} restore - --data {tmp_path}/new"

    piped = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", line], env=clean_environment(), check=False
    )

    assert piped.returncode == 0
    assert keys(tmp_path / "new") == ["the scraper"]


def test_a_reader_that_leaves_gets_no_backup(home):
    call = f"{sys.executable} {PROJECT}/manage.py hive backup --out - --data {home}"

    left = subprocess.run(
        ["bash", "-c", f"{call} | true; exit ${{PIPESTATUS[0]}}"],
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert left.returncode == 1
    assert "whoever reads the pipe left" in left.stderr
    assert "Traceback" not in left.stderr


@pytest.mark.parametrize("argv", [("restore", "/no/file"), ("backup", "--out", "/no/dir/file")])
def test_a_file_that_cannot_be_is_wrong_use(home, tmp_path, argv):
    ran = hive(*argv, data=home if argv[0] == "backup" else tmp_path / "new")

    assert (ran.returncode, len(ran.stderr.splitlines())) == (2, 1)
    assert "No such file or directory; give" in ran.stderr


def test_one_output_does_not_serve_two(home):
    sent = hive("backup", "--out", "-", "--json", data=home)

    assert (sent.returncode, sent.stdout) == (2, "")
    assert "both want standard output" in sent.stderr


def test_a_hive_that_is_there_is_moved_aside_only_by_force(home, backup, tmp_path):
    data = tmp_path / "data"
    assert hive("restore", str(backup), data=data).returncode == 0
    assert hive("key", "another", data=data).returncode == 0

    refused = hive("restore", str(backup), data=data)
    assert (refused.returncode, len(refused.stderr.splitlines())) == (1, 1)
    assert "holds a Hive; give an empty --data, or --force" in refused.stderr
    assert keys(data) == ["the scraper", "another"]

    forced = hive("restore", str(backup), "--force", "--json", data=data)
    assert forced.returncode == 0, forced.stderr
    assert keys(data) == ["the scraper"]
    [old] = data.glob(".replaced-*")
    assert json.loads(forced.stdout)["old"] == str(old)
    assert keys(old) == ["the scraper", "another"]


@pytest.mark.parametrize("spoil", ["cut", "foreign", "changed", "empty"])
def test_what_is_no_whole_backup_changes_nothing(backup, tmp_path, spoil):
    whole = backup.read_bytes()
    inside = gzip.decompress(whole).replace(b"the scraper", b"the sbraper", 1)
    spoilt = {"cut": whole[:-200], "foreign": b"PK", "changed": gzip.compress(inside), "empty": b""}
    file, data = tmp_path / "file", tmp_path / "data"
    file.write_bytes(spoilt[spoil])

    ran = hive("restore", str(file), data=data)

    assert (ran.returncode, len(ran.stderr.splitlines())) == (2, 1), ran.stderr
    assert "no whole backup" in ran.stderr
    assert (data / "hive.sqlite3").stat().st_size == 0
    assert not (data / ".restoring").exists()


def test_one_of_a_later_version_is_refused(backup, tmp_path):
    later, data = tmp_path / "later", tmp_path / "data"
    assert hive("restore", str(backup), data=later).returncode == 0
    with contextlib.closing(sqlite3.connect(later / "hive.sqlite3")) as database, database:
        row = "INSERT INTO django_migrations (app, name, applied) VALUES ('jobs', '9999_later', '')"
        database.execute(row)
        database.execute("UPDATE django_migrations SET applied = '2026-01-01 00:00:00'")
    file = tmp_path / "later.tar.gz"
    assert hive("backup", "--out", str(file), data=later).returncode == 0

    ran = hive("restore", str(file), data=data)

    assert ran.returncode == 1
    assert "knows jobs.9999_later" in ran.stderr


def test_one_of_an_earlier_version_is_brought_up_to_this_one(home, tmp_path):
    old, new, file = tmp_path / "old", tmp_path / "new", tmp_path / "old.tar.gz"
    shutil.copytree(home, old)
    back = ("migrate", "-v", "0", "ota", "0003_answered")
    assert manage(*back, env=clean_environment(HIVE_DATA_DIR=str(old))).returncode == 0
    assert hive("backup", "--out", str(file), data=old).returncode == 0

    ran = hive("restore", str(file), data=new)

    assert ran.returncode == 0, ran.stderr
    with contextlib.closing(sqlite3.connect(new / "hive.sqlite3")) as database:
        assert database.execute("SELECT count(*) FROM ota_chainanchor").fetchone() == (0,)


def test_a_file_that_is_there_is_not_overwritten(home, backup):
    before = backup.read_bytes()

    ran = hive("backup", "--out", str(backup), data=home)

    assert (ran.returncode, "is there already" in ran.stderr) == (2, True)
    assert backup.read_bytes() == before
    assert list(backup.parent.iterdir()) == [backup]


def test_a_share_without_links_will_do(tmp_path, monkeypatch):
    def link(*_):
        raise OSError(errno.ENOTSUP, "no links here")

    monkeypatch.setattr(backup_command.os, "link", link)

    with backup_command._opened(str(tmp_path / "backup")) as target:
        target.write(b"honey")

    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"honey"]


def test_secrets_that_lie_elsewhere_are_told_but_not_shown(home, tmp_path):
    out = ("--out", str(tmp_path / "b.tar.gz"))

    ran = hive("backup", *out, "--json", data=home, SECRET_KEY="hush-hush")

    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["notes"] == [
        "SECRET_KEY is set in the environment: keep it where you keep that"
    ]
    assert "hush" not in ran.stdout + ran.stderr
