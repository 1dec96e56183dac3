"""A package means the same to everybody, or it is refused."""

import io
import struct
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ota.archive import Source, open_package, write_package
from ota.domain.manifest import PATH, File, Manifest
from ota.domain.zip_layout import END_RECORD, BadArchive
from tests.ota.archives import TREE, forged, manifest_text, opened, packed, read_manifest

NAMES = st.lists(
    st.text("abcdefgh_0123456789é", min_size=1, max_size=12).map(lambda name: f"x{name}"),
    min_size=1,
    max_size=4,
).map("/".join)


def contents(package):
    return {path: b"".join(package.read(path)) for path in package.manifest.by_path}


def refused(data, match):
    with pytest.raises(BadArchive, match=match):
        opened(data).verify()


@given(st.dictionaries(NAMES, st.tuples(st.binary(max_size=2000), st.sampled_from((0o644, 0o755)))))
def test_what_is_packed_comes_out_again(files):
    tree = {f"{n}.{name}": Source(*each) for n, (name, each) in enumerate(files.items())}

    package = opened(packed(tree))

    assert contents(package) == {path: source.data for path, source in tree.items()}
    assert {p: f.mode for p, f in package.manifest.by_path.items()} == {
        path: source.mode for path, source in tree.items()
    }


def test_the_same_tree_is_the_same_package_in_whatever_order_it_was_found():
    backwards = dict(reversed(TREE.items()))

    assert packed(TREE) == packed(backwards)


def test_a_package_may_lie_on_a_disk(tmp_path):
    path = tmp_path / "release.zip"
    with path.open("wb") as target:
        write_package(target, TREE)

    with open_package(path) as package:
        package.verify()
        assert package.unpacked_size == sum(
            len(each) for each in (*(s.data for s in TREE.values()), manifest_text())
        )


def test_what_another_program_writes_in_the_same_way_is_as_good():
    opened(forged()).verify()


@pytest.mark.parametrize(
    ("name", "fact"),
    [
        ("../evil.py", "no relative path"),
        ("/etc/passwd", "no relative path"),
        ("a//b.py", "no relative path"),
        ("a/./b.py", "no relative path"),
        ("a\\b.py", "not every machine"),
        ("C:evil.py", "not every machine"),
        ("a\x07.py", "not every machine"),
        ("a/", "no relative path"),
        ("aux.py", "device"),
        ("trailing.", "some machines drop"),
        ("e\u0301.py", "normal form C"),
        ("x/" * 20 + "deep.py", "deeper than 20"),
        ("x" * 201, "longer than 200"),
        ("evil.pth", "without being asked"),
        ("lib/sitecustomize.py", "without being asked"),
        ("sitecustomize/__init__.py", "without being asked"),
        ("UserCustomize.abi3.so", "without being asked"),
        ("app/__pycache__/tasks.pyc", "without being asked"),
        (".env", "nobody else's"),
        (".git/config", "nobody else's"),
        ("APP/TASKS.py", "one file on some machines"),
        ("app/tasks.py/more.py", "is a file, and a directory"),
    ],
)
def test_names_that_mean_something_else_elsewhere_are_refused(name, fact):
    refused(forged(also={name: b"x"}), fact)


def test_a_name_that_comes_twice_is_refused():
    with pytest.warns(UserWarning, match="Duplicate name"):
        twice = forged(also={"run.sh": b"another"})

    refused(twice, "one file on some machines")


@pytest.mark.parametrize(
    ("mode", "fact"),
    [(0o120777, "no regular file"), (0o060644, "no regular file"), (0o104755, "rights 4755")],
)
def test_links_devices_and_rights_of_others_are_refused(mode, fact):
    def change(about):
        about.external_attr = mode << 16

    refused(forged(change), fact)


def test_what_came_from_another_system_has_no_rights_to_speak_of():
    def change(about):
        about.create_system = 0

    refused(forged(change), "no regular file")


def test_comments_and_extra_fields_are_refused():
    def comment(about):
        about.comment = b"hello"

    def extra(about):
        about.extra = b"UT\x05\x00\x01\x00\x00\x00\x00"

    refused(forged(comment), "does not need")
    refused(forged(extra), "does not need")


def test_another_way_of_packing_is_refused():
    def change(about):
        about.compress_type = zipfile.ZIP_BZIP2

    refused(forged(change), "not known here")


@pytest.mark.parametrize(
    ("data", "fact"),
    [
        (b"", "shorter than"),
        (b"PK" * 20, "does not end as"),
        (b"#!/bin/sh\n" + packed(), "beside its files|in two ways"),
        (packed() + b"\0", "does not end as"),
        (packed() + packed(), "beside its files"),
        (packed()[:-1] + b"\1", "has a comment"),
        (packed()[:100], "does not end as"),
    ],
)
def test_what_is_beside_the_archive_is_refused(data, fact):
    refused(data, fact)


def test_a_file_that_no_manifest_names_is_refused_and_so_is_one_that_is_missing():
    refused(forged(also={"more.py": b"x"}), "only the archive has 'more.py'")
    refused(forged(without="run.sh"), "only the manifest has 'run.sh'")


def test_a_manifest_of_other_contents_is_refused():
    other = manifest_text().replace(b'"size": 10', b'"size": 11')
    refused(forged(manifest=other), "another size or other rights")
    refused(forged(manifest=b"{}"), "manifest.json: 'files'")
    refused(forged(manifest=manifest_text() + b"\n"), "not written as manifests are")


def test_a_package_without_a_manifest_is_none():
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w"):
        pass

    refused(target.getvalue(), f"has no {PATH}")


def test_contents_that_the_manifest_does_not_know_are_found_when_they_are_read():
    wrong = manifest_text()
    at = wrong.index(b'"sha256": "') + len(b'"sha256": "')
    digit = b"0" if wrong[at : at + 1] != b"0" else b"1"

    refused(forged(manifest=wrong[:at] + digit + wrong[at + 1 :]), "not what the manifest says")


@given(st.data())
def test_no_flipped_byte_goes_unnoticed(data):
    whole = packed()
    at = data.draw(st.integers(0, len(whole) - 1))
    bit = data.draw(st.sampled_from([1 << n for n in range(8)]))
    changed = whole[:at] + bytes([whole[at] ^ bit]) + whole[at + 1 :]

    try:
        package = opened(changed)
        package.verify()
    except BadArchive:
        return
    # Only what says nothing of the files may differ: times, and which program wrote it.
    assert contents(package) == {path: source.data for path, source in TREE.items()}


@given(st.binary(max_size=400))
def test_noise_is_refused_in_words(noise):
    with pytest.raises(BadArchive):
        opened(noise)


@given(st.binary(max_size=200), st.integers(0, 400))
def test_noise_with_the_end_of_an_archive_is_refused_in_words(noise, count):
    end = END_RECORD.pack(b"PK\x05\x06", 0, 0, count, count, len(noise), 0, 0)

    with pytest.raises(BadArchive):
        opened(noise + end)


def test_a_bomb_is_refused_before_anything_is_unpacked():
    refused(packed({"bomb": Source(b"\0" * 20_000_000)}), "grows more than 200-fold")


def test_data_that_give_more_than_their_header_says_burst_at_once():
    told = Manifest.of([*read_manifest().files, File("b", 100, "0" * 64)])
    data = bytearray(forged(also={"b": b"\0" * 20_000_000}, manifest=told.write()))
    header = zipfile.ZipFile(io.BytesIO(data)).getinfo("b").header_offset
    for at in (header + 22, data.rindex(b"PK\1\2") + 24):
        data[at : at + 4] = struct.pack("<I", 100)

    pieces = opened(bytes(data)).read("b")

    with pytest.raises(BadArchive, match="longer than it says"):
        next(pieces)
