import io
import re

import pytest

from hive_site.kernel.errors import Conflict, Invalid, TooLarge
from ota import storage
from ota.domain.states import ReleaseState
from ota.models import OtaEvent, Release
from ota.services.publishing import publish, yank
from ota.storage import package_path, packages
from tests.ota.projects import package, sidecar


def stored() -> list[str]:
    return sorted(path.name for path in packages().iterdir() if path.suffix == ".zip")


def unfinished() -> list[str]:
    return [path.name for path in packages().iterdir() if path.name.startswith(".new")]


def test_a_package_becomes_a_release_that_the_nexus_signs_for(tmp_path, desk):
    place = package(tmp_path, "1.2.0")

    release = publish(place, channel="dev", who="ann")

    assert (release.version, release.channel, release.seq) == ("1.2.0", "dev", 1)
    assert release.signed_by == ["dev-key"]
    assert package_path(release.sha256).read_bytes() == place.read_bytes()
    length, sha256, custom = desk.targets["dev/hive-000001-1.2.0.zip"]
    assert (length, sha256) == (place.stat().st_size, release.sha256)
    assert custom["hive"]["version"] == "1.2.0"
    event = OtaEvent.objects.get()
    assert (event.what, event.release, event.who) == ("published", "1.2.0", "ann")


def test_numbers_grow_and_are_never_used_again(tmp_path, desk):
    first = publish(package(tmp_path, "1.0"), channel="dev", who="ann")
    Release.objects.filter(pk=first.pk).update(state=ReleaseState.PURGED)

    assert publish(package(tmp_path, "1.1"), channel="dev", who="ann").seq == 2


def test_the_same_bytes_again_are_the_same_release(tmp_path, desk):
    place = package(tmp_path)
    first = publish(place, channel="dev", who="ann")
    package_path(first.sha256).unlink()

    again = publish(io.BytesIO(place.read_bytes()), channel="dev", who="bob")

    assert again.pk == first.pk
    assert (Release.objects.count(), OtaEvent.objects.count()) == (1, 1)
    assert stored() == [f"{first.sha256}.zip"]


def test_a_version_is_used_once(tmp_path, desk):
    publish(package(tmp_path, "1.0"), channel="dev", who="ann")
    other = package(tmp_path, "1.0", more__py="")

    with pytest.raises(Conflict, match=r"version 1\.0 was published at .* another version"):
        publish(other, channel="dev", who="ann")

    assert len(stored()) == 1


def test_a_purged_release_does_not_come_back(tmp_path, desk):
    place = package(tmp_path)
    publish(place, channel="dev", who="ann")
    Release.objects.update(state=ReleaseState.PURGED)

    with pytest.raises(Conflict, match="was pruned"):
        publish(place, channel="dev", who="ann")


def test_after_a_crash_in_the_middle_the_same_bytes_finish_it(tmp_path, desk):
    place = package(tmp_path)
    desk.broken = "the power is gone"
    with pytest.raises(RuntimeError):
        publish(place, channel="dev", who="ann")
    assert (Release.objects.count(), OtaEvent.objects.count()) == (0, 0)

    desk.broken = ""
    release = publish(place, channel="dev", who="ann")

    assert (release.seq, OtaEvent.objects.count()) == (1, 1)


def test_what_is_no_package_leaves_nothing(tmp_path, desk):
    place = tmp_path / "x.zip"
    place.write_bytes(b"PK not really")

    with pytest.raises(Invalid) as caught:
        publish(place, channel="dev", who="ann")

    assert caught.value.field == "package"
    assert (stored(), unfinished(), desk.targets) == ([], [], {})
    assert not Release.objects.exists()


def test_what_is_too_large_is_not_read_to_its_end(tmp_path, desk, monkeypatch):
    monkeypatch.setattr(storage, "MAX_PACKAGE_BYTES", 10)

    with pytest.raises(TooLarge) as caught:
        publish(package(tmp_path), channel="dev", who="ann")

    assert caught.value.field == "package"
    assert unfinished() == []


def test_a_stable_release_has_the_number_that_operators_signed(tmp_path, desk):
    place = package(tmp_path, "2.0")

    release = publish(place, channel="stable", signature=sidecar(place, 7), who="ann")

    assert (release.seq, release.signed_by) == (7, ["release-key"])
    assert release.target in desk.targets


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"signatures": "forged"}, "not signed with a key"),
        ({"version": "2.1"}, "signed with version '2.1', but the package has '2.0'"),
        ({"manifest_sha256": "0" * 64}, "signed with manifest_sha256"),
        ({"seq": 8}, "signed with seq 8"),
        ({"channel": "dev"}, "signed with channel"),
    ],
)
def test_a_signature_that_does_not_hold_leaves_nothing(tmp_path, desk, change, told):
    place = package(tmp_path, "2.0")
    signature = sidecar(place, 7, **change)

    with pytest.raises(Invalid, match=re.escape(told)) as caught:
        publish(place, channel="stable", signature=signature, who="ann")

    assert caught.value.field == "signature"
    assert (stored(), desk.targets, Release.objects.count()) == ([], {}, 0)


@pytest.mark.parametrize(
    "signature", [b"{}", b"nonsense", b'{"signed": {"targets": {}}}', b'{"signed": {"targets": 1}}']
)
def test_a_signature_for_something_else_is_refused(tmp_path, desk, signature):
    with pytest.raises(Invalid, match="not for this package"):
        publish(package(tmp_path), channel="stable", signature=signature, who="ann")


def test_a_number_that_another_release_has_is_refused(tmp_path, desk):
    first, second = package(tmp_path, "1.0"), package(tmp_path, "1.1")
    publish(first, channel="stable", signature=sidecar(first, 3), who="a")

    with pytest.raises(Conflict, match="number 3 of the channel stable"):
        publish(second, channel="stable", signature=sidecar(second, 3), who="a")

    assert len(stored()) == 1


@pytest.mark.parametrize(
    ("channel", "signature", "field"),
    [("beta", None, "channel"), ("stable", None, "signature"), ("dev", b"{}", "signature")],
)
def test_channel_and_signature_must_fit(tmp_path, desk, channel, signature, field):
    with pytest.raises(Invalid) as caught:
        publish(package(tmp_path), channel=channel, signature=signature, who="ann")

    assert caught.value.field == field


def test_bytes_of_one_channel_are_none_of_the_other(tmp_path, desk):
    place = package(tmp_path)
    publish(place, channel="dev", who="ann")

    with pytest.raises(Conflict, match="of the channel dev"):
        publish(place, channel="stable", signature=sidecar(place, 1), who="ann")

    assert len(stored()) == 1


def test_a_release_is_yanked_once(tmp_path, desk):
    publish(package(tmp_path), channel="dev", who="ann")

    assert yank(version="1.0", who="bob", reason="it stings")
    assert not yank(version="1.0", who="bob")
    assert Release.objects.get().state == ReleaseState.YANKED
    event = OtaEvent.objects.first()
    assert (event.what, event.who, event.reason) == ("yanked", "bob", "it stings")
