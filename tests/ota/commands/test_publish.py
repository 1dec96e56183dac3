import json

import pytest

from hive_site.kernel.errors import Conflict, Invalid
from ota.models import Release
from tests.ota.commands.verbs import run
from tests.ota.projects import package, sidecar
from tests.ota.wheels import lock_of, make_wheel


@pytest.fixture
def project(desk, tmp_path, settings):
    """This project is the small one that packages are made of."""
    settings.BASE_DIR = tmp_path / "project"


def test_a_package_becomes_a_development_release(project, tmp_path, capsys):
    assert run("publish", package(tmp_path), "--json") == 0

    told = json.loads(capsys.readouterr().out)
    assert (told["version"], told["channel"], told["seq"]) == ("1.0", "dev", 1)
    assert (told["signed_by"], told["wheels_missing"]) == (["dev-key"], [])


def test_with_a_signature_beside_it_a_stable_one(project, tmp_path, capsys):
    place = package(tmp_path)
    place.with_name(f"{place.name}.targets.json").write_bytes(sidecar(place, 5))

    assert run("publish", place) == 0

    assert "published as stable/hive-000005-1.0.zip" in capsys.readouterr().out


def test_a_signature_is_left_alone_where_the_channel_is_dev(project, tmp_path):
    place = package(tmp_path)
    place.with_name(f"{place.name}.targets.json").write_bytes(b"nonsense")

    assert run("publish", place, "--channel", "dev") == 0

    assert Release.objects.get().channel == "dev"


@pytest.mark.parametrize("data", [b"", b"PK nonsense", None])
def test_whatever_is_wrong_is_a_failure_with_the_reason(project, tmp_path, data):
    place = tmp_path / "x.zip"
    if data is not None:
        place.write_bytes(data)

    with pytest.raises(Conflict, match=r"x\.zip was not published: \w"):
        run("publish", place)

    assert not Release.objects.exists()


def test_a_stable_release_without_a_signature_is_refused(project, tmp_path):
    with pytest.raises(Conflict, match="ota sign"):
        run("publish", package(tmp_path), "--channel", "stable")


def test_wheels_are_taken_along_and_the_missing_are_named(project, tmp_path, capsys):
    bee, wasp = make_wheel(tmp_path / "given", "bee"), make_wheel(tmp_path / "other", "wasp")
    needs = "bee==1.0\nwasp==1.0\n"
    place = package(
        tmp_path / "new", requirements__txt=needs, requirements__lock=lock_of(needs, bee, wasp)
    )

    assert run("publish", place, "--wheels", tmp_path / "given") == 0

    told = capsys.readouterr().out
    assert "wheels: 1 new, 1 missing" in told
    assert "missing: wasp==1.0" in told


def test_a_directory_of_wheels_that_is_none_is_wrong_use(project, tmp_path):
    with pytest.raises(Invalid, match="no directory"):
        run("publish", package(tmp_path), "--wheels", tmp_path / "nowhere")

    assert not Release.objects.exists()
