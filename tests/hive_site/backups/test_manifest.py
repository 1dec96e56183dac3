import contextlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_site.backups.manifest import Entry, Manifest, NoBackup, check_name

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
DATABASE, KEY = Entry(9, "d" * 64), Entry(3, "e" * 64)
FILES = {"database.sqlite3": DATABASE, "secrets/fleet_key": KEY}


def manifest(**changed):
    facts = {"version": "1.0", "created_at": NOW, "database": "sqlite", "files": FILES}
    return Manifest(**{**facts, "migrations": {"jobs": ["0001_initial"]}, **changed})


def test_it_is_read_as_it_was_written():
    made = manifest(notes=("large values lie elsewhere",))

    assert Manifest.read(made.write()) == made


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"{}", b'{"format": 1}', b"\xff", b'{"format": 2}', b"null", b"[" * 100_000],
)
def test_anything_else_is_no_backup(data):
    with pytest.raises(NoBackup):
        Manifest.read(data)


@given(st.binary(max_size=60), st.integers(0, 400))
def test_a_damaged_manifest_is_no_backup_or_another_manifest(noise, at):
    whole = manifest().write()
    with contextlib.suppress(NoBackup):
        Manifest.read(whole[:at] + noise + whole[at + len(noise) :])


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({"database.sqlite3": DATABASE}, "secrets/fleet_key is not there"),
        ({**FILES, "secrets/more": KEY}, "secrets/more is not in its manifest"),
        ({**FILES, "secrets/fleet_key": Entry(3, "f" * 64)}, "secrets/fleet_key is damaged"),
    ],
)
def test_files_that_are_not_its_own_are_told_by_name(found, said):
    manifest().compare(FILES)

    with pytest.raises(NoBackup, match=said):
        manifest().compare(found)


def test_a_backup_holds_a_database():
    with pytest.raises(NoBackup, match="no database"):
        manifest(files={"secrets/fleet_key": KEY}).compare({"secrets/fleet_key": KEY})


def test_migrations_of_a_later_version_are_found():
    later = manifest(migrations={"jobs": ["0001_initial", "0099_later"]})

    assert later.unknown({("jobs", "0001_initial")}) == ["jobs.0099_later"]
    assert manifest().unknown({("jobs", "0001_initial"), ("jobs", "0002_more")}) == []


@pytest.mark.parametrize(
    "name",
    [
        *("../secrets/key", "secrets/../../etc/passwd", "/etc/passwd", "secrets", "run/lock"),
        *("secrets//key", "./secrets/key", "secrets/a\\b", "secrets/\n", "", "hive.sqlite3", "."),
        "secrets/" + "a" * 500,
    ],
)
def test_a_file_that_has_no_place_in_a_backup_is_refused(name):
    with pytest.raises(NoBackup):
        check_name(name)


@given(st.text(max_size=80))
def test_no_name_leads_out_of_the_directory(name):
    try:
        path = check_name(name)
    except NoBackup:
        return
    assert not path.is_absolute()
    assert ".." not in path.parts
    assert str(path) == name
