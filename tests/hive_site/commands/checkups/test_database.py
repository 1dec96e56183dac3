from collections import namedtuple
from pathlib import Path

import pytest
from django.db import OperationalError
from django.db.migrations.recorder import MigrationRecorder

from hive_site.commands.checkups import database
from hive_site.commands.checkups.database import (
    check_connections,
    check_database,
    check_journal,
    check_migrations,
    check_place,
    check_postgresql,
)

Mounted = namedtuple("Mounted", "mountpoint fstype")
DISKS = [Mounted("/", "ext4"), Mounted("/srv", "nfs4"), Mounted("/srv/local", "xfs")]


@pytest.mark.parametrize(
    ("file", "verdict"),
    [("/var/hive.sqlite3", "ok"), ("/srv/hive.sqlite3", "bad"), ("/srv/local/hive.sqlite3", "ok")],
)
def test_sqlite_belongs_on_a_disk_of_this_machine(file, verdict):
    assert check_place(Path(file), DISKS).verdict == verdict


@pytest.mark.parametrize("kind", ["nfs", "cifs", "smb3", "9p", "fuse.sshfs", "ceph"])
def test_every_kind_of_network_is_known(kind):
    assert check_place(Path("/mnt/a"), [Mounted("/mnt", kind)]).verdict == "bad"


def test_a_file_system_that_nobody_lists_is_no_fault():
    assert check_place(Path("/a"), []).verdict == "ok"


@pytest.mark.parametrize(("version", "verdict"), [(130012, "bad"), (140000, "ok"), (170002, "ok")])
def test_postgresql_must_be_new_enough(version, verdict):
    assert check_postgresql(version).verdict == verdict


@pytest.mark.parametrize(
    ("used", "pool", "verdict"), [(10, 20, "ok"), (10, 40, "warn"), (80, 20, "bad")]
)
def test_pools_fit_into_what_the_server_lets_in(used, pool, verdict):
    assert check_connections(pool=pool, most=97, used=used).verdict == verdict


@pytest.mark.parametrize(("mode", "verdict"), [("wal", "ok"), ("delete", "warn")])
def test_sqlite_must_let_readers_go_on(mode, verdict):
    assert check_journal(mode).verdict == verdict


@pytest.mark.django_db
def test_a_migration_that_is_missing_is_named():
    assert check_migrations().verdict == "ok"
    MigrationRecorder.Migration.objects.filter(app="ota", name="0004_chain_anchor").delete()

    finding = check_migrations()

    assert (finding.verdict, finding.found) == ("bad", "1 not applied, first ota.0004_chain_anchor")


def test_a_database_that_is_away_is_one_bad_finding(monkeypatch):
    def fail():
        raise OperationalError("no route\nto host")

    monkeypatch.setattr(database.connection, "ensure_connection", fail)

    assert [each.verdict for each in check_database()] == ["bad"]


@pytest.mark.django_db
def test_the_database_of_the_tests_is_fine():
    assert {each.verdict for each in check_database()} == {"ok"}
