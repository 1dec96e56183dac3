import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from hive_site.kernel.errors import Invalid
from ota.archive import Source, write_package
from ota.domain.release_file import PATH
from ota.inspection import inspect_package
from tests.ota.projects import FILES, LOCK, built, package


@pytest.fixture
def made(tmp_path):
    return built(tmp_path)


def repacked(tmp_path, made, *, without="", about=None, **changed: str):
    """The package of a project with some files changed behind its back."""
    files = {**FILES, **{name.replace("__", "."): text for name, text in changed.items()}}
    tree = {name: Source(text.encode()) for name, text in files.items() if name != without}
    tree[PATH] = Source((about or made.about).write())
    place = tmp_path / "repacked.zip"
    with place.open("w+b") as file:
        write_package(file, tree)
    return place


def test_a_sound_package_tells_what_metadata_say_of_it(tmp_path):
    place = package(tmp_path, version="1.2.0")

    found = inspect_package(place)

    assert found.sha256 == hashlib.sha256(place.read_bytes()).hexdigest()
    assert found.size == place.stat().st_size
    assert found.file_count == len(FILES) + 1
    assert found.about.version == "1.2.0"
    assert found.lock == LOCK
    assert found.environment == hashlib.sha256(LOCK.encode()).hexdigest()


def test_a_flipped_byte_is_found_or_changes_nothing_that_is_unpacked(tmp_path):
    original = package(tmp_path)
    data, sound = bytearray(original.read_bytes()), inspect_package(original)
    place, refused = tmp_path / "flipped.zip", 0
    for position in range(0, len(data), 97):
        data[position] ^= 1
        place.write_bytes(data)
        data[position] ^= 1

        try:
            found = inspect_package(place)
        except Invalid as fact:
            refused += fact.field == "package"
        else:  # a time of day in a header
            assert found.manifest_sha256 == sound.manifest_sha256
            assert found.sha256 != sound.sha256
    assert refused > 0.7 * len(data) / 97


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"without": "manage.py"}, "no manage.py"),
        ({"requirements__txt": "wasp==1.0\n"}, "requirements_sha256 is not that"),
        ({"requirements__lock": LOCK + "\n"}, "lock_sha256 is not that"),
        ({"without": "requirements.lock"}, "no requirements.lock"),
    ],
)
def test_a_package_that_is_not_what_it_says_is_refused(tmp_path, made, change, told):
    with pytest.raises(Invalid) as caught:
        inspect_package(repacked(tmp_path, made, **change))

    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"python": "<>3"}, "no range of versions"),
        ({"task_modules": ("gone",)}, "'gone' is not in it"),
    ],
)
def test_a_release_file_that_cannot_be_meant_is_refused(tmp_path, made, fields, told):
    with pytest.raises(Invalid) as caught:
        inspect_package(repacked(tmp_path, made, about=replace(made.about, **fields)))

    assert told in str(caught.value)


def lock_of(text: str, made):
    return replace(made.about, lock_sha256=hashlib.sha256(text.encode()).hexdigest())


OTHERS = f"# for requirements.txt sha256:{'0' * 64}\n" + LOCK.partition("\n")[2]


@pytest.mark.parametrize(
    ("lock", "told"),
    [
        (OTHERS, "other requirements"),
        (LOCK + "--index-url https://evil.example/\n", "no address"),
        (LOCK.replace("bee==1.0", "bee==1.0 ; nonsense"), "nonsense"),
    ],
)
def test_a_lock_for_something_else_or_from_somewhere_else_is_refused(tmp_path, made, lock, told):
    place = repacked(tmp_path, made, about=lock_of(lock, made), requirements__lock=lock)

    with pytest.raises(Invalid) as caught:
        inspect_package(place)

    assert told in str(caught.value)


def test_a_package_without_a_release_file_is_refused(tmp_path):
    place = tmp_path / "bare.zip"
    with place.open("w+b") as file:
        write_package(file, {"manage.py": Source(b"")})

    with pytest.raises(Invalid, match=r"no \.hive/release\.json"):
        inspect_package(place)


def test_what_it_says_of_itself_is_what_is_in_it(tmp_path):
    found = inspect_package(package(tmp_path))

    told = found.custom(channel="dev", seq=3, floor_seq=0, built=datetime(2026, 1, 2, tzinfo=UTC))

    assert json.loads(json.dumps(told)) == told
    assert told["hive"]["manifest_sha256"] == found.manifest_sha256
    assert told["hive"]["built"] == "2026-01-02T00:00:00Z"
