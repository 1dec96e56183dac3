import pytest

from hive_site.kernel.errors import Invalid, NotFound
from ota.services.publishing import publish
from ota.storage import package_path, wheelhouse
from ota.wheelhouse import gather, gather_for, wheels_of
from tests.ota.projects import package
from tests.ota.wheels import digest, lock_of, make_wheel, pin


@pytest.fixture
def index(tmp_path, monkeypatch):
    """What pip finds, and nothing else: a directory."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def here() -> list[str]:
    return sorted(path.name for path in wheelhouse().iterdir())


def test_wheels_come_from_a_directory_if_a_lock_names_them(nexus_data, tmp_path):
    bee, wasp = (make_wheel(tmp_path / "given", name) for name in ("bee", "wasp"))

    found = gather([pin(bee)], wheels=tmp_path / "given")

    assert (found.added, found.missing) == ((bee.name,), ())
    assert (wheelhouse() / bee.name).read_bytes() == bee.read_bytes()
    assert here() == [bee.name]
    assert wasp.exists()


def test_a_wheel_of_the_name_with_other_bytes_is_not_taken(nexus_data, tmp_path):
    named = pin(make_wheel(tmp_path / "real", "bee"))
    forged = make_wheel(tmp_path / "given", "bee")
    forged.write_bytes(forged.read_bytes() + b"!")

    found = gather([named], wheels=tmp_path / "given")

    assert (found.added, found.missing, here()) == ((), ("bee==1.0",), [])


def test_else_pip_fetches_them(nexus_data, index):
    bee = make_wheel(index, "bee")

    found = gather([pin(bee)])

    assert (found.added, found.missing, found.trouble) == ((bee.name,), (), "")
    assert here() == [bee.name]


def test_what_pip_does_not_find_is_missing_with_its_words(nexus_data, index, tmp_path):
    bee = make_wheel(tmp_path / "elsewhere", "bee")

    found = gather([pin(bee)])

    assert found.missing == ("bee==1.0",)
    assert "No matching distribution found for bee==1.0" in found.trouble
    assert here() == []


def test_what_another_platform_needs_is_not_missing(nexus_data, index, tmp_path):
    other = pin(make_wheel(tmp_path, "bee"), marker="sys_platform == 'win32'")

    assert gather([other]).missing == ()


def test_what_is_here_is_not_fetched_again(nexus_data, index, tmp_path):
    bee = make_wheel(tmp_path / "given", "bee")
    gather([pin(bee)], wheels=tmp_path / "given")

    found = gather([pin(bee)])

    assert (found.added, found.missing, found.trouble) == ((), (), "")


def test_a_directory_that_is_none_is_named(nexus_data, tmp_path):
    with pytest.raises(Invalid, match=r"--wheels .* is no directory"):
        gather([], wheels=tmp_path / "nowhere")


def test_a_release_names_the_wheels_of_its_lock(desk, index, tmp_path):
    bee, wasp = make_wheel(index, "bee"), make_wheel(tmp_path / "given", "wasp")
    gather([pin(wasp)], wheels=tmp_path / "given")
    place = package(
        tmp_path,
        requirements__txt="bee==1.0\n",
        requirements__lock=lock_of("bee==1.0\n", bee),
    )
    row = publish(place, channel="dev", who="ann")

    assert gather_for(row).added == (bee.name,)
    assert wheels_of(row.environment) == [{"name": bee.name, "sha256": digest(bee)}]


def test_nodes_have_what_the_project_itself_requires(desk, index, tmp_path, settings):
    settings.BASE_DIR = tmp_path / "project"
    row = publish(package(tmp_path), channel="dev", who="ann")

    found = gather_for(row)

    assert (found.added, found.missing, found.trouble) == ((), (), "")


def test_a_lock_that_no_release_has_is_not_found(desk):
    with pytest.raises(NotFound):
        wheels_of("0" * 64)


def test_a_lock_whose_package_is_gone_has_no_wheels(desk, tmp_path):
    release = publish(package(tmp_path), channel="dev", who="ann")
    package_path(release.sha256).unlink()

    with pytest.raises(NotFound, match="is gone"):
        wheels_of(release.environment)
