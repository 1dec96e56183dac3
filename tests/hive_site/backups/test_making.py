import io

import pytest
from django.core.files.storage import InMemoryStorage
from django.utils import timezone

from hive_site.backups import making
from hive_site.backups.archive import unpack
from hive_site.backups.making import database_of, write_backup
from hive_site.kernel.errors import Conflict
from hive_site.kernel.secrets import keep_secret
from jobs.blob_files import AtomicFiles
from ota.services.publishing import publish
from tests.ota.projects import package

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def data(nexus_data, tmp_path, monkeypatch):
    """A Nexus's directory with a key, a release, and a large value."""
    keep_secret(nexus_data / "secrets" / "fleet_key", "fleet")
    publish(package(tmp_path, "1.0"), channel="dev", who="ann")
    monkeypatch.setattr(making, "storage", lambda: AtomicFiles(nexus_data / "blobs"))
    (nexus_data / "blobs" / "aa").mkdir(parents=True)
    (nexus_data / "blobs" / "aa" / "aabb").write_text("large")
    return nexus_data


def back_up(tmp_path, **options):
    """What is in a backup, and its manifest."""
    target, place = io.BytesIO(), tmp_path / "unpacked"
    place.mkdir()
    manifest = write_backup(target, now=timezone.now(), **options)
    target.seek(0)
    assert unpack(target, place) == manifest
    return place, manifest


def test_database_keys_packages_and_large_values_are_in_it(data, tmp_path):
    place, manifest = back_up(tmp_path)

    kept = {name.partition("/")[0] for name in manifest.files}
    assert kept == {database_of(manifest, place).name, "secrets", "ota", "blobs"}
    assert (place / "secrets" / "fleet_key").read_text() == "fleet"
    assert (place / "blobs" / "aa" / "aabb").read_text() == "large"
    assert list((place / "ota" / "packages").glob("*.zip"))
    assert (place / "ota" / "metadata" / "timestamp.json").exists()
    assert [name for name in manifest.files if name.startswith("secrets/ota/timestamp-")]


def test_packages_may_stay_at_home_but_not_what_vouches_for_them(data, tmp_path):
    place, manifest = back_up(tmp_path, packages=False)

    assert not (place / "ota" / "packages").exists()
    assert (place / "ota" / "metadata" / "dev.json").exists()
    assert "without packages: publish again what nodes shall still get" in manifest.notes


def test_large_values_that_lie_elsewhere_are_told(data, tmp_path, monkeypatch):
    monkeypatch.setattr(making, "storage", InMemoryStorage)

    place, manifest = back_up(tmp_path)

    assert not (place / "blobs").exists()
    assert any("storage of yours" in note for note in manifest.notes)


def test_what_is_deleted_meanwhile_is_no_fault(data, tmp_path, monkeypatch):
    listed = making.files_of

    def files_of(folder, names):
        found = listed(folder, names)
        if "blobs" in names:
            (data / "blobs" / "aa" / "aabb").unlink()
        return found

    monkeypatch.setattr(making, "files_of", files_of)

    _, manifest = back_up(tmp_path)

    assert "blobs/aa/aabb" not in manifest.files
    assert any("1 files were deleted" in note for note in manifest.notes)


def test_a_hive_that_was_never_started_has_nothing_to_back_up(data, monkeypatch):
    monkeypatch.setattr(making, "applied_migrations", dict)

    with pytest.raises(Conflict, match="is --data right"):
        write_backup(io.BytesIO(), now=timezone.now())


def test_nothing_is_left_beside_the_data(data, tmp_path):
    back_up(tmp_path)

    assert not list(data.glob(".backup-*"))


def test_what_a_killed_backup_left_goes_with_the_next_one(data, tmp_path):
    (data / ".backup-killed").mkdir()
    (data / ".backup-killed" / "database.sqlite3").write_text("large")

    back_up(tmp_path)

    assert not list(data.glob(".backup-*"))
