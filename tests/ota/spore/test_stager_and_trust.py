"""`python -m ota.spore.stager` as nodes run it, with metadata as the Nexus signs them."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from ota.domain.manifest import PATH as MANIFEST
from ota.domain.manifest import Manifest
from ota.trust.repository import Repository
from ota.unpacking import verify
from tests.ota.spore import cast

pytestmark = pytest.mark.processes


@pytest.fixture
def repository(tmp_path):
    made = Repository(tmp_path / "metadata", tmp_path / "secrets")
    made.ensure(datetime.now(UTC))
    return made


@pytest.fixture
def scene(desk, tmp_path, repository):
    scene = cast.make_scene(desk, tmp_path / "home", channel="dev")
    scene.changes.update(channels=["dev"], floor={"dev": 2})
    publish(scene, repository)
    return scene


def publish(scene, repository):
    size, about = len(scene.package), scene.signed["custom"]
    repository.add_dev(scene.path, size, scene.sha256, about, datetime.now(UTC))
    scene.desk.metadata = repository.bundle(0)
    scene.desk.root = repository.root().decode()


def run(scene, **options):
    code, lines = scene.run(module="ota.spore.stager", **options)
    return code, lines[-1]


def test_a_release_that_the_nexus_signed_comes_to_a_node_that_never_saw_one(scene):
    code, last = run(scene)

    assert code == 0
    tree = scene.slot / "tree"
    assert last["done"]["tree"] == str(tree)
    verify(tree, Manifest.read((tree / MANIFEST).read_bytes()))


def test_metadata_of_another_nexus_are_refused_by_a_node_that_knows_its_own(scene, tmp_path):
    run(scene)
    other = Repository(tmp_path / "other", tmp_path / "other-secrets")
    other.ensure(datetime.now(UTC))
    scene.seq += 1
    scene.signed["custom"]["hive"]["seq"] = scene.seq
    publish(scene, other)

    code, last = run(scene)

    assert code == 1
    assert last["failed"]["code"] in {"signature", "rollback", "mismatch"}
    assert scene.desk.times("packages") == 1


def test_a_root_that_was_brought_along_decides_instead_of_the_nexus(scene, tmp_path):
    other = Repository(tmp_path / "other", tmp_path / "other-secrets")
    other.ensure(datetime.now(UTC))
    (tmp_path / "root.json").write_bytes(other.root())

    code, last = run(scene, env={"HIVE_OTA_ROOT": str(tmp_path / "root.json")})

    assert code == 1
    assert last["failed"]["code"] == "signature"
    assert scene.desk.times("packages") == 0


def test_a_root_that_is_brought_along_later_does_not_go_unheard(scene, repository, tmp_path):
    other = Repository(tmp_path / "other", tmp_path / "other-secrets")
    other.ensure(datetime.now(UTC))
    run(scene)
    scene.seq += 1
    scene.signed["custom"]["hive"]["seq"] = scene.seq
    publish(scene, repository)

    told = []
    for brought in (other, repository):
        (tmp_path / "root.json").write_bytes(brought.root())
        told.append(run(scene, env={"HIVE_OTA_ROOT": str(tmp_path / "root.json")}))

    assert [code for code, _ in told] == [1, 0]
    assert told[0][1]["failed"]["code"] == "signature"
    assert "another root was pinned here before" in told[0][1]["failed"]["reason"]


def test_metadata_from_before_are_refused_later(scene, repository):
    before = repository.bundle(0)
    scene.seq = 8
    scene.signed["custom"]["hive"]["seq"] = 8
    publish(scene, repository)
    assert run(scene)[0] == 0
    scene.desk.metadata, scene.seq = before, 7

    code, last = run(scene)

    assert code == 1
    assert last["failed"]["code"] == "rollback"


def test_what_expired_is_refused_and_a_nexus_with_another_clock_tells_why(desk, tmp_path):
    then = datetime.now(UTC) - timedelta(days=40)
    repository = Repository(tmp_path / "metadata", tmp_path / "secrets")
    repository.ensure(then)
    scene = cast.make_scene(desk, tmp_path / "home", channel="dev")
    scene.changes.update(channels=["dev"])
    repository.add_dev(scene.path, len(scene.package), scene.sha256, scene.signed["custom"], then)
    desk.metadata, desk.root = repository.bundle(0), repository.root().decode()

    code, last = run(scene)

    assert (code, last["failed"]["code"]) == (1, "expired")
    desk.clock = then.timestamp
    code, last = run(scene)
    assert (code, last["failed"]["code"]) == (1, "clock_skew")


def test_a_stager_loads_no_django_and_no_redis(scene):
    listing = (
        "import sys, ota.spore.stager, ota.spore.cleaning, ota.spore.trust, ota.spore.bundle;"
        "print([m for m in ('django', 'redis', 'rq', 'structlog') if m in sys.modules])"
    )

    told = subprocess.run(
        [sys.executable, "-c", listing], capture_output=True, text=True, check=True
    )

    assert told.stdout.strip() == "[]"
