import gzip
import io
import tarfile
from datetime import UTC, datetime

import pytest

from hive_site.backups.archive import Writer, files_of, unpack
from hive_site.backups.manifest import Manifest, NoBackup

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def write(folder, *, also=lambda tar: None):
    """A backup of two files; `also` adds to the archive before its end."""
    (folder / "secrets").mkdir(parents=True)
    (folder / "database.sqlite3").write_bytes(b"honey" * 1000)
    (folder / "secrets" / "key").write_bytes(b"hush")
    target = io.BytesIO()
    with Writer(target, NOW) as writer:
        writer.add("database.sqlite3", folder / "database.sqlite3")
        writer.add_bytes("secrets/key", b"hush")
        writer.finish(Manifest("1.0", NOW, "sqlite", {}, writer.files))
        also(writer._tar)
    return target.getvalue()


def packed(*members):
    """A foreign archive of these names, links and contents."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as tar:
        for name, kind, data in members:
            info = tarfile.TarInfo(name)
            info.type, info.size, info.linkname = kind, len(data), "/etc/passwd"
            tar.addfile(info, io.BytesIO(data))
    return target.getvalue()


@pytest.fixture
def place(tmp_path):
    (tmp_path / "there").mkdir()
    return tmp_path / "there"


def test_what_was_written_is_unpacked_for_its_owner_only(tmp_path, place):
    manifest = unpack(io.BytesIO(write(tmp_path / "here")), place)

    assert (place / "database.sqlite3").read_bytes() == b"honey" * 1000
    assert (place / "secrets" / "key").read_bytes() == b"hush"
    assert (place / "secrets" / "key").stat().st_mode & 0o777 == 0o600
    assert (place / "secrets").stat().st_mode & 0o777 == 0o700
    assert sorted(manifest.files) == ["database.sqlite3", "secrets/key"]


def test_one_that_was_cut_short_is_refused_unless_it_is_whole_all_the_same(tmp_path):
    whole, refused = write(tmp_path / "here"), []

    for size in range(0, len(whole), 7):
        folder = tmp_path / str(size)
        folder.mkdir()
        try:
            # What pads an archive at its end is nothing that anybody misses.
            assert len(unpack(io.BytesIO(whole[:size]), folder).files) == 2
        except NoBackup:
            refused.append(size)

    assert max(refused) > len(whole) - 100
    assert refused == list(range(0, max(refused) + 7, 7))


def test_contents_that_changed_are_refused(tmp_path, place):
    inside = gzip.decompress(write(tmp_path / "here"))
    forged = gzip.compress(inside.replace(b"honeyhoney", b"poisonpoxx", 1))

    with pytest.raises(NoBackup, match=r"database.sqlite3 is damaged"):
        unpack(io.BytesIO(forged), place)


def test_nothing_may_follow_the_manifest(tmp_path, place):
    def also(tar):
        tar.addfile(tarfile.TarInfo("secrets/late"))

    with pytest.raises(NoBackup, match="follows its manifest"):
        unpack(io.BytesIO(write(tmp_path / "here", also=also)), place)


@pytest.mark.parametrize(
    "member",
    [
        ("../../out", tarfile.REGTYPE, b"x"),
        ("/tmp/out", tarfile.REGTYPE, b"x"),
        ("secrets/link", tarfile.SYMTYPE, b""),
        ("secrets/link", tarfile.LNKTYPE, b""),
        ("secrets/pipe", tarfile.FIFOTYPE, b""),
        ("secrets/folder", tarfile.DIRTYPE, b""),
        ("manifest.json", tarfile.SYMTYPE, b""),
    ],
)
def test_an_archive_that_reaches_out_is_refused(member, place):
    with pytest.raises(NoBackup):
        unpack(io.BytesIO(packed(member)), place)

    assert [path for path in place.rglob("*") if not path.is_dir()] == []


def test_a_name_that_comes_twice_is_refused(place):
    twice = ("secrets/key", tarfile.REGTYPE, b"x")

    with pytest.raises(NoBackup, match="twice"):
        unpack(io.BytesIO(packed(twice, twice)), place)


@pytest.mark.parametrize("data", [b"", b"no archive at all", gzip.compress(b"neither", mtime=0)])
def test_something_else_is_refused(data, place):
    with pytest.raises(NoBackup):
        unpack(io.BytesIO(data), place)


def test_what_was_never_finished_stays_at_home(tmp_path):
    packages = tmp_path / "ota" / "packages"
    packages.mkdir(parents=True)
    for name in ("a.zip", ".new-1-ab", ".lock"):
        (packages / name).touch()
    (packages / "link.zip").symlink_to("/etc/passwd")

    assert [name for name, _ in files_of(tmp_path, ("ota", "blobs"))] == ["ota/packages/a.zip"]
