"""On a disk: all of a package or an error, and nothing beside it."""

import io
import os

import pytest

from ota.archive import Package, Source
from ota.domain.zip_layout import BadArchive
from ota.unpacking import Drifted, unpack, verify
from tests.ota.archives import TREE, forged, manifest_text, opened, packed


@pytest.fixture
def release(tmp_path):
    return tmp_path / "release"


def files_below(root):
    return {p.relative_to(root).as_posix(): p for p in root.rglob("*") if p.is_file()}


def test_all_files_are_there_with_their_contents_and_rights(release):
    unpack(opened(packed()), release)

    found = files_below(release)
    assert found.keys() == {*TREE, ".hive/manifest.json"}
    for path, source in TREE.items():
        assert found[path].read_bytes() == source.data
        assert found[path].stat().st_mode & 0o7777 == source.mode
    assert found[".hive/manifest.json"].read_bytes() == manifest_text()


def test_the_mask_of_the_process_takes_nobody_the_right_to_read(release):
    before = os.umask(0o077)
    try:
        unpack(opened(packed()), release)
    finally:
        os.umask(before)

    assert (release / "app/tasks.py").stat().st_mode & 0o7777 == 0o644
    assert (release / "app").stat().st_mode & 0o7777 == 0o755


def test_files_are_as_new_as_they_are_or_python_would_run_old_bytecode(release):
    unpack(opened(packed()), release)

    assert (release / "app/tasks.py").stat().st_mtime > 1_000_000_000


def test_nothing_is_written_into_what_is_there_already(release):
    release.mkdir()

    with pytest.raises(FileExistsError):
        unpack(opened(packed()), release)

    assert not files_below(release)


def test_a_directory_that_somebody_put_there_as_a_link_is_not_followed(release, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()

    class Racing(Package):
        """Somebody makes a link while files are written."""

        def read(self, path):
            if not (release / "zzz").is_symlink():
                (release / "zzz").symlink_to(outside)
            return super().read(path)

    data = packed({"a.py": Source(b"a"), "zzz/evil.py": Source(b"b")})

    with pytest.raises(OSError, match="zzz"):
        unpack(Racing(io.BytesIO(data), len(data)), release)

    assert not list(outside.iterdir())


def test_contents_that_the_manifest_does_not_know_end_it(release):
    wrong = manifest_text()
    at = wrong.index(b'"sha256": "') + len(b'"sha256": "')
    digit = b"0" if wrong[at : at + 1] != b"0" else b"1"

    with pytest.raises(BadArchive, match="not what the manifest says"):
        unpack(opened(forged(manifest=wrong[:at] + digit + wrong[at + 1 :])), release)


@pytest.mark.parametrize(
    ("harm", "fact"),
    [
        (lambda root: (root / "run.sh").write_bytes(b"rm -rf /\n"), "run.sh: has other contents"),
        (lambda root: (root / "run.sh").chmod(0o777), "run.sh: has rights 777, not 755"),
        (lambda root: (root / "run.sh").unlink(), "run.sh: No such file"),
        (lambda root: (root / "more.py").write_text(""), "more.py: the manifest does not name it"),
    ],
)
def test_what_was_changed_on_the_disk_is_found_and_named(release, harm, fact):
    package = opened(packed())
    unpack(package, release)
    verify(release, package.manifest)

    harm(release)

    with pytest.raises(Drifted, match=fact):
        verify(release, package.manifest)


@pytest.mark.parametrize("name", ["app", "more"])
def test_a_link_in_place_of_a_directory_or_beside_the_others_is_found(release, tmp_path, name):
    package = opened(packed())
    unpack(package, release)
    twin = tmp_path / "twin"
    (release / "app").rename(twin) if name == "app" else twin.mkdir()
    (release / name).symlink_to(twin)

    with pytest.raises(Drifted, match=f"^{name}: the manifest does not name it"):
        verify(release, package.manifest)


def test_a_link_in_place_of_a_file_is_not_the_file(release, tmp_path):
    package = opened(packed())
    unpack(package, release)
    twin = tmp_path / "twin"
    twin.write_bytes(TREE["run.sh"].data)
    twin.chmod(0o755)
    (release / "run.sh").unlink()
    (release / "run.sh").symlink_to(twin)

    with pytest.raises(Drifted, match=r"^run\.sh: "):
        verify(release, package.manifest)
