"""A release that was published comes to a node through the Nexus's own API."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from random import Random

import pytest
from django.conf import settings

from hive_site.kernel.envelope import node_key
from ota.domain.release_file import ReleaseFile
from ota.domain.requirements import digest_requirements, header_of
from ota.services.publishing import publish
from ota.spore.nexus import NexusClient
from ota.spore.orders import Request
from ota.spore.places import Places
from ota.spore.staging import Means, Stager
from ota.spore.trust import TrustStore
from ota.storage import package_path, wheelhouse
from ota.trust.nexus import open_repository
from tests.ota.projects import REQUIREMENTS, package
from tests.ota.spore.cast import lock_of, make_wheel
from tests.ota.spore.desk import Clock

NODE = "spore-1"


class Nexus(NexusClient):
    """The real one but for what it signed, which is read where it lies."""

    def root(self):
        return open_repository().root()

    def metadata(self, root_from):
        return open_repository().bundle(root_from)


@pytest.fixture
def nexus(live_server, nexus_data):
    return Nexus(live_server.url, NODE, node_key(settings.HIVE_FLEET_KEY, NODE))


@pytest.fixture
def stage(nexus, tmp_path):
    """Stages a release into one home."""

    def run(release, own=digest_requirements(REQUIREMENTS)):
        about = {
            field: getattr(release, field) for field in ("sha256", "version", "channel", "seq")
        }
        body = {
            "home": str(tmp_path / "home"),
            "node": NODE,
            "nexus": "",
            "release": {**about, "path": release.target, "size": release.size},
            "channels": ["dev"],
            "floor": {},
            "own_python": sys.executable,
            "own_requirements": own,
        }
        request = Request.read(json.dumps(body))
        places = Places(request.home)
        request.home.mkdir(exist_ok=True)
        means = Means(
            nexus=nexus,
            trust=TrustStore(places.trust),
            now=lambda: datetime.now(UTC),
            pace=Clock().pace(Random(0)),
            env=dict(os.environ),
            free=lambda folder: 1 << 40,
        )
        return Stager(request, means, lambda step, fraction: None).stage()

    return run


def test_what_was_published_is_ready_on_a_node(stage, tmp_path):
    release = publish(package(tmp_path, "1.2.0"), channel="dev", who="ann")

    ready, tree = stage(release)

    assert (ready.version, ready.seq, ready.python) == ("1.2.0", 1, sys.executable)
    about = ReleaseFile.read((tree / ".hive/release.json").read_bytes())
    assert about.version == "1.2.0"


def test_a_begun_download_is_gone_on_with(stage, nexus, tmp_path):
    release = publish(package(tmp_path, "1.2.0"), channel="dev", who="ann")
    data = package_path(release.sha256).read_bytes()
    folder = Places(tmp_path / "home").packages
    folder.mkdir(parents=True)
    (folder / f"{release.sha256}.zip.part").write_bytes(data[:100])

    stage(release)

    with nexus.open_package(release.sha256, 100, release.sha256) as body:
        assert (body.start, body.etag) == (100, release.sha256)
    assert (folder / f"{release.sha256}.zip").read_bytes() == data


def test_one_release_after_the_other(stage, tmp_path):
    first = publish(package(tmp_path, "1.0"), channel="dev", who="ann")
    second = publish(package(tmp_path, "1.1"), channel="dev", who="ann")

    slots = {stage(release)[0].slot for release in (first, second, first)}

    assert len(slots) == 2


def test_a_node_with_other_packages_makes_an_environment_of_wheels_from_the_nexus(stage, tmp_path):
    name, wheel = make_wheel("bee")
    (wheelhouse() / name).write_bytes(wheel)
    lock = f"{header_of(REQUIREMENTS)}\n{lock_of((name, wheel))}"
    place = package(tmp_path, "1.2.0", requirements__lock=lock)
    release = publish(place, channel="dev", who="ann")

    ready, _ = stage(release, own="0" * 64)

    told = subprocess.run(
        [ready.python, "-c", "import bee; print(bee.BUZZ)"], capture_output=True, check=True
    )
    assert told.stdout == b"1\n"
