import pytest

from ota.domain.manifest import BadManifest, Difference, File, Manifest, compare
from ota.domain.names import BadName

BEE = File("a/bee.py", 3, "0" * 64)
HIVE = File("hive.sh", 5, "1" * 64, 0o755)


def test_a_manifest_is_read_as_it_was_written_whatever_the_order():
    manifest = Manifest.of([HIVE, BEE])

    assert manifest.files == (BEE, HIVE)
    assert Manifest.read(manifest.write()) == manifest
    assert Manifest.of([BEE, HIVE]).write() == manifest.write()


def test_two_releases_differ_by_their_files():
    newer = File("a/bee.py", 3, "2" * 64)
    more = File("more.py", 1, "3" * 64)

    assert compare(Manifest.of([BEE, HIVE]), Manifest.of([newer, more])) == Difference(
        added=("more.py",), removed=("hive.sh",), changed=("a/bee.py",)
    )


def test_other_rights_are_a_change_too():
    runnable = File(BEE.path, BEE.size, BEE.sha256, 0o755)

    assert compare(Manifest.of([BEE]), Manifest.of([runnable])).changed == ("a/bee.py",)


@pytest.mark.parametrize("path", ["../x", ".hive/manifest.json", ".HIVE/manifest.json"])
def test_a_path_that_a_package_may_not_have_makes_no_manifest(path):
    with pytest.raises(BadName):
        Manifest.of([File(path, 1, "0" * 64)])


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"{}",
        b'{"files": [7]}',
        b'{"files": [{"path": "a"}]}',
        b"[" * 100_000,
        b"\xff",
        Manifest.of([BEE]).write().replace(b"3", b"-3"),
        Manifest.of([BEE]).write().replace(b"0" * 64, b"0" * 63),
        Manifest.of([BEE]).write().replace(b"420", b"2541"),
        Manifest.of([BEE]).write().replace(b"420", b"420.0"),
        Manifest.of([BEE]).write().replace(b'"schema": 1', b'"schema": 2'),
        Manifest.of([BEE]).write().replace(b"\n ", b"\n  "),
    ],
)
def test_what_is_no_manifest_is_refused_in_words(text):
    with pytest.raises(BadManifest, match=r"^\.hive/manifest\.json"):
        Manifest.read(text)
