"""What was published is what nodes find in the metadata: nothing here is a fake."""

import json

import pytest

from hive_site.kernel.errors import Conflict, Invalid
from ota.domain.trust import Untrusted
from ota.models import Release
from ota.services import publishing
from ota.services.pruning import prune
from ota.services.publishing import publish
from ota.spore.trust import TrustStore
from ota.trust.desk import Desk
from ota.trust.nexus import open_repository
from ota.trust.sidecar import sign_package
from tests.ota.projects import package
from tests.ota.trust.places import NOW

pytestmark = pytest.mark.usefixtures("db", "nexus_data")


@pytest.fixture
def operator(tmp_path):
    """An operator's keys, which the Nexus trusts."""
    nexus = open_repository()
    nexus.ensure(NOW)
    desk = Desk(tmp_path / "KEYS", "", nexus)
    desk.make_keys()
    desk.move_trust(NOW)
    return desk


def found(folder, path):
    """What a node that begins today learns of a package."""
    store = TrustStore(folder)
    if not store.pinned:
        store.pin(open_repository().root())
    store.refresh(open_repository().bundle(store.root_version()), NOW)
    return store.find(path)


def test_a_node_finds_a_development_release(tmp_path):
    row = publish(package(tmp_path, "1.2.0"), channel="dev", who="ann", now=NOW)

    signed = found(tmp_path / "trust", row.target)

    assert (signed.length, signed.sha256) == (row.size, row.sha256)
    told = signed.custom.get("hive", signed.custom)
    assert (told["version"], told["seq"], told["channel"]) == ("1.2.0", 1, "dev")
    assert len(row.signed_by) == 1


def test_a_node_finds_what_an_operator_signed(tmp_path, operator):
    place = package(tmp_path, "2.0")
    done = sign_package(operator, place, None, NOW)

    row = publish(place, channel="stable", signature=done.sidecar.read_bytes(), who="ann", now=NOW)

    assert (row.target, tuple(row.signed_by)) == (done.target.path, done.keys)
    assert found(tmp_path / "trust", row.target).sha256 == row.sha256


def test_a_signature_of_somebody_else_is_refused(tmp_path, operator):
    place = package(tmp_path, "2.0")
    done = sign_package(operator, place, None, NOW)
    envelope = json.loads(done.sidecar.read_bytes())
    for signature in envelope["signatures"]:
        signature["sig"] = "0" * 128

    with pytest.raises(Invalid, match="signature") as caught:
        publish(
            place, channel="stable", signature=json.dumps(envelope).encode(), who="ann", now=NOW
        )

    assert caught.value.field == "signature"
    assert not Release.objects.exists()


def test_a_signature_for_another_package_is_refused(tmp_path, operator):
    done = sign_package(operator, package(tmp_path, "2.0"), None, NOW)
    other = package(tmp_path, "2.1")

    with pytest.raises(Invalid, match="not for this package"):
        publish(other, channel="stable", signature=done.sidecar.read_bytes(), who="ann", now=NOW)


def test_after_a_crash_between_signature_and_row_the_same_bytes_finish_it(tmp_path, monkeypatch):
    place = package(tmp_path)

    def crash(**told):
        raise Conflict("the power is gone")

    with monkeypatch.context() as patched:
        patched.setattr(publishing, "record", crash)
        with pytest.raises(Conflict):
            publish(place, channel="dev", who="ann", now=NOW)
    assert not Release.objects.exists()

    row = publish(place, channel="dev", who="ann", now=NOW)

    assert row.seq == 1
    assert found(tmp_path / "trust", row.target).sha256 == row.sha256


def test_nodes_do_not_find_what_was_forgotten(tmp_path):
    rows = [publish(package(tmp_path, v), channel="dev", who="a", now=NOW) for v in ("1", "2")]

    prune(keep=1, who="ann", now=NOW)

    assert found(tmp_path / "trust", rows[1].target).sha256 == rows[1].sha256
    with pytest.raises(Untrusted):
        found(tmp_path / "trust", rows[0].target)
