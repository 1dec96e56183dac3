import pytest

from bench.database import borrow_database

TEAMS = "postgres://team:pw@db:5432/hive?sslmode=require"


def test_sqlite_lives_in_the_directory_of_the_run():
    with borrow_database("sqlite:////srv/hive/hive.sqlite3") as url:
        assert url == ""


def test_a_postgres_database_is_borrowed_and_dropped_whatever_happens():
    said = []

    with (
        pytest.raises(KeyboardInterrupt),
        borrow_database(TEAMS, tell=lambda _, statement: said.append(statement)) as url,
    ):
        raise KeyboardInterrupt

    name = url.rpartition("/")[2].partition("?")[0]
    assert url.startswith("postgres://team:pw@db:5432/hive_bench_")
    assert url.endswith("?sslmode=require")
    assert said[0] == f'CREATE DATABASE "{name}"'
    assert said[1].startswith(f'DROP DATABASE IF EXISTS "{name}"')
