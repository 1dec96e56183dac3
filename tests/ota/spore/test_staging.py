"""A release comes to a node whole, proved and marked, or with a reason and no mark."""

import errno
import json
import sys
import time

import pytest

from ota.archive import Source
from ota.domain.manifest import PATH as MANIFEST
from ota.domain.manifest import Manifest
from ota.domain.release_file import PATH as RELEASE_FILE
from ota.spore.failures import Failed
from ota.spore.orders import Ready
from ota.unpacking import verify
from tests.ota.spore import cast
from tests.ota.spore.desk import flip_a_byte, hang_up, refuse


@pytest.fixture
def scene(desk, tmp_path):
    return cast.make_scene(desk, tmp_path / "home")


def code_of(scene, **options):
    """The code that staging fails with; nothing of it may count as ready then."""
    with pytest.raises(Failed) as fact:
        scene.stage(**options)
    assert not list(scene.places.releases.glob("*/READY"))
    return fact.value.code


def test_a_release_is_ready_with_every_file_as_in_its_manifest(scene):
    steps = []

    ready, tree = scene.stage(steps=steps)

    verify(tree, Manifest.read((tree / MANIFEST).read_bytes()))
    assert tree == scene.slot / "tree"
    assert ready == Ready.read(scene.slot)
    assert json.loads((scene.slot / "READY").read_bytes()) == {
        "slot": scene.slot.name,
        "version": "1.2.0",
        "channel": "stable",
        "seq": 7,
        "sha256": scene.sha256,
        "manifest_sha256": scene.signed["custom"]["hive"]["manifest_sha256"],
        "floor": 2,
        "python": sys.executable,
        "task_modules": ["app.tasks"],
    }
    assert list(dict.fromkeys(step for step, _ in steps)) == [
        "check",
        "fetch",
        "unpack",
        "deps",
        "ready",
    ]
    assert not list(scene.places.staging.iterdir())


def test_a_release_that_is_ready_is_taken_at_once_without_the_nexus(scene):
    scene.stage()
    asked = len(scene.desk.asked)

    ready, tree = scene.stage()

    assert ready.slot == scene.slot.name
    assert tree.is_dir()
    assert len(scene.desk.asked) == asked


def test_a_release_that_drifted_is_made_anew(scene):
    _, tree = scene.stage()
    (tree / "app/tasks.py").write_text("print('wasp')\n")

    _, tree = scene.stage()

    assert (tree / "app/tasks.py").read_text() == "print('bee')\n"


@pytest.mark.parametrize("known_by", ["link", "request"])
def test_a_release_in_use_is_not_touched_even_if_it_drifted(scene, known_by):
    _, tree = scene.stage()
    (tree / "app/tasks.py").write_text("print('wasp')\n")
    if known_by == "link":
        (scene.places.root / "current").symlink_to(tree)
    else:
        scene.changes["keep"] = [scene.slot.name]

    with pytest.raises(Failed) as fact:
        scene.stage()

    assert fact.value.code == "drift"
    assert (tree / "app/tasks.py").read_text() == "print('wasp')\n"
    assert Ready.read(scene.slot)


def test_a_release_that_is_ready_but_ordered_as_another_one_is_not_it(scene):
    scene.stage()
    scene.version = "1.3.0"

    with pytest.raises(Failed, match=r"ordered is '1\.3\.0'") as fact:
        scene.stage()

    assert fact.value.code == "mismatch"


def test_the_root_of_the_nexus_is_pinned_at_first_contact_only(scene):
    scene.stage()
    scene.desk.root = '{"version": 9}'

    assert (scene.places.trust / "root.json").read_text() == '{"version": 1}'
    assert scene.desk.times("root") == 1


def test_a_root_that_was_brought_along_is_pinned_instead(scene):
    scene.stage(root=b'{"version": 4}')

    assert (scene.places.trust / "root.json").read_text() == '{"version": 4}'
    assert scene.desk.times("root") == 0


@pytest.mark.parametrize(
    ("field", "value"), [("version", "9.9"), ("seq", 8), ("channel", "dev"), ("sha256", "0" * 64)]
)
def test_what_is_signed_as_something_else_is_refused_before_it_is_fetched(scene, field, value):
    if field == "sha256":
        scene.signed["sha256"] = value
    scene.sign(**{field: value})

    assert code_of(scene) == "mismatch"
    assert scene.desk.times("packages") == 0


def test_nobody_signed_for_it(scene):
    scene.desk.metadata["signed"] = {}

    assert code_of(scene) == "unknown_target"


@pytest.mark.parametrize("about", [{}, None, {"hive": 1}, {"hive": {"version": "1.2.0"}}])
def test_signed_does_not_mean_sound(scene, about):
    scene.signed["custom"] = about
    scene.desk.metadata["signed"] = {scene.path: scene.signed}

    assert code_of(scene) in {"malformed", "mismatch"}


@pytest.mark.parametrize("code", ["signature", "expired", "rollback", "malformed"])
def test_metadata_that_are_not_trusted_say_why(scene, code):
    scene.desk.metadata["untrusted"] = code

    assert code_of(scene) == code
    assert scene.desk.times("packages") == 0


def test_expired_metadata_on_a_node_whose_clock_is_off_are_the_clocks_fault(scene):
    scene.desk.metadata["untrusted"] = "expired"
    wrong = scene.desk.client(clock=lambda: time.time() + 400)

    assert code_of(scene, nexus=wrong) == "clock_skew"


def test_a_channel_that_the_node_is_not_enrolled_for(scene):
    assert code_of(scene, request=scene.request(channels=["dev"])) == "channel"
    assert not scene.desk.asked


def test_a_release_below_the_floor_even_if_it_lies_ready_here(scene):
    scene.stage()

    with pytest.raises(Failed, match="none below 8") as fact:
        scene.stage(request=scene.request(floor={"stable": 8}))

    assert (fact.value.code, fact.value.permanent) == ("floor", True)


def test_a_release_exactly_at_the_floor_is_taken(scene):
    assert scene.stage(request=scene.request(floor={"stable": 7}))


def test_a_release_for_other_pythons(desk, tmp_path):
    scene = cast.make_scene(desk, tmp_path / "home", python=">=4")

    assert code_of(scene) == "python"
    assert desk.times("packages") == 0


def test_too_little_room_is_said_before_anything_is_fetched(scene):
    about = scene.signed["custom"]["hive"]
    needed = 2 * about["unpacked_size"] + len(scene.package) + 200 * 1024 * 1024

    assert code_of(scene, free=lambda folder: needed - 1) == "disk"
    assert scene.desk.times("packages") == 0
    assert scene.stage(free=lambda folder: needed)


def test_a_nexus_that_is_away_at_first_can_be_tried_again(scene):
    scene.desk.faults["root"] = [hang_up]

    assert code_of(scene) == "nexus"
    assert scene.stage()


def test_a_package_that_is_not_what_was_signed_leaves_nothing(scene):
    scene.desk.faults["packages"] = [flip_a_byte]

    assert code_of(scene) == "download"
    assert not list(scene.places.packages.iterdir())


@pytest.mark.parametrize(
    "change",
    [{"manifest_sha256": "0" * 64}, {"unpacked_size": 1}, {"file_count": 1}, {"lock_sha256": "1"}],
)
def test_contents_that_are_not_what_was_signed(scene, change):
    scene.sign(**change)

    assert code_of(scene) == "unpack"


@pytest.mark.parametrize(
    "tree",
    [
        {RELEASE_FILE: Source(b"{}")},
        {"requirements.txt": Source(b"x"), RELEASE_FILE: Source(b"null\n")},
    ],
)
def test_a_release_file_that_is_none(desk, tmp_path, tree):
    scene = cast.make_scene(desk, tmp_path / "home", tree=tree)

    assert code_of(scene) == "unpack"


def test_a_release_file_that_says_another_version(desk, tmp_path):
    scene = cast.make_scene(desk, tmp_path / "home", version="9.9")

    assert code_of(scene) == "unpack"


def test_other_requirements_without_a_lock(desk, tmp_path):
    scene = cast.make_scene(desk, tmp_path / "home", requirements="1" * 64)

    with pytest.raises(Failed, match="brings no lock") as fact:
        scene.stage()

    assert (fact.value.code, fact.value.permanent) == ("deps", True)


@pytest.mark.parametrize("step", ["unpack", "trees", "READY"])
def test_a_disk_that_is_full_marks_nothing_and_the_next_attempt_gets_there(
    scene, monkeypatch, step
):
    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    places = {
        "unpack": "ota.spore.trees.unpack",
        "trees": "pathlib.Path.rename",
        "READY": "ota.spore.orders.replace_file",
    }
    with monkeypatch.context() as patch:
        patch.setattr(places[step], full)
        with pytest.raises(OSError, match="No space"):
            scene.stage()

    assert not list(scene.places.releases.glob("*/READY"))
    assert scene.stage()


def test_a_disk_that_loses_something_on_the_way_gets_no_mark(scene, monkeypatch):
    def lose(point):
        if point == "stager.renamed":
            (scene.slot / "tree" / "run.sh").write_bytes(b"")

    monkeypatch.setattr("ota.spore.trees.crash_point", lose)

    assert code_of(scene) == "drift"
    assert not scene.slot.exists()


def test_a_begun_package_of_an_earlier_attempt_is_gone_on_with(scene):
    scene.places.packages.mkdir(parents=True)
    part = scene.places.packages / f"{scene.sha256}.zip.part"
    part.write_bytes(scene.package[:100])

    scene.stage()

    assert scene.desk.asked[-1][1] == "bytes=100-"


def test_a_package_that_the_nexus_has_no_more(scene):
    scene.desk.faults["packages"] = [refuse(404)]

    assert code_of(scene) == "download"
