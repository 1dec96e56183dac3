import sqlite3

import pytest

from bench.database import borrow_database
from hive_site.backups import databases
from hive_site.backups.databases import check_sqlite, known_migrations
from hive_site.kernel.errors import HiveError
from tests.databases import SERVER
from tests.end_to_end.colony import clean_environment, manage

ON_POSTGRESQL = pytest.mark.skipif(not SERVER, reason="DATABASE_URL names no PostgreSQL")


def test_every_migration_of_this_project_is_known():
    assert {("jobs", "0001_initial"), ("ota", "0004_chain_anchor")} <= known_migrations()


@pytest.mark.parametrize("content", [b"no database at all", b"SQLite format 3\0" + b"x" * 5000])
def test_a_damaged_database_is_told(tmp_path, content):
    path = tmp_path / "database.sqlite3"
    path.write_bytes(content)

    with pytest.raises(HiveError, match="damaged"):
        check_sqlite(path)


def test_a_whole_one_is_fine(tmp_path):
    with sqlite3.connect(tmp_path / "database.sqlite3") as database:
        database.execute("CREATE TABLE honey (id)")

    check_sqlite(tmp_path / "database.sqlite3")


def test_without_postgresqls_programs_people_are_told_which_package_has_them(monkeypatch):
    monkeypatch.setattr(databases.shutil, "which", lambda name: None)

    with pytest.raises(HiveError, match="pg_dump is not on the PATH; install PostgreSQL's client"):
        databases._run_client(databases.DUMP)


@ON_POSTGRESQL
@pytest.mark.processes
def test_a_postgresql_database_is_dumped_and_restored_into_an_empty_one_only(tmp_path):
    file = str(tmp_path / "backup.tar.gz")
    with borrow_database(SERVER) as first, borrow_database(SERVER) as second:
        old = clean_environment(HIVE_DATA_DIR=str(tmp_path / "old"), DATABASE_URL=first)
        new = clean_environment(HIVE_DATA_DIR=str(tmp_path / "new"), DATABASE_URL=second)
        assert manage("migrate", "-v", "0", env=old).returncode == 0
        key = manage("hive", "key", "the scraper", env=old).stdout.strip()
        made = manage("hive", "backup", "--out", file, env=old)
        assert made.returncode == 0, made.stderr

        ran = manage("hive", "restore", file, env=new)

        assert ran.returncode == 0, ran.stderr
        shell = "from nodes.models import ApiKey, Lease; print(ApiKey.objects.get().prefix)"
        there = manage("shell", "-v", "0", "-c", shell, env=new)
        assert key.startswith(there.stdout.strip()), there.stderr
        again = manage("hive", "restore", file, "--force", env=new)
        assert (again.returncode, "the database has" in again.stderr) == (1, True)
        sqlite = clean_environment(HIVE_DATA_DIR=str(tmp_path / "third"))
        other = manage("hive", "restore", file, env=sqlite)
        assert (other.returncode, "it is of postgresql" in other.stderr) == (2, True)
