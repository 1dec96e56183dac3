from bench import database


def test_sqlite_lives_in_the_directory_of_the_run():
    with database.borrow_database("sqlite:////srv/hive/hive.sqlite3") as url:
        assert url == ""


def test_a_postgres_database_is_borrowed_and_dropped_whatever_happens(monkeypatch):
    said = []
    monkeypatch.setattr(database, "_tell_server", lambda url, statement: said.append(statement))

    try:
        with database.borrow_database("postgres://team:pw@db:5432/hive?sslmode=require") as url:
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        name = url.rpartition("/")[2].partition("?")[0]

    assert url.startswith("postgres://team:pw@db:5432/hive_bench_")
    assert url.endswith("?sslmode=require")
    assert said[0] == f'CREATE DATABASE "{name}"'
    assert said[1].startswith(f'DROP DATABASE IF EXISTS "{name}"')
