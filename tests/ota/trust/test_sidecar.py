"""What operators sign for a package is the next list of releases, and no other."""

import pytest
from tuf.api.metadata import Metadata

from hive_site.kernel.errors import Conflict, Invalid
from ota.archive import Source, write_package
from ota.domain.release_file import PATH, ReleaseFile
from ota.domain.requirements import digest_requirements
from ota.domain.trust import ROOT, TARGETS, Target
from ota.trust.desk import Desk
from ota.trust.sidecar import sign_package
from tests.ota.trust.forging import holding, refused, stranger
from tests.ota.trust.packages import package, sidecar_of
from tests.ota.trust.places import DAY, NOW, nexus, node, refresh


@pytest.fixture
def repository(tmp_path):
    return nexus(tmp_path)


@pytest.fixture
def desk(tmp_path, repository):
    desk = Desk(tmp_path / "KEYS", "", repository)
    desk.make_keys()
    desk.move_trust(NOW)
    return desk


@pytest.fixture
def two(tmp_path, repository, desk):
    """Two operators with a key each; both must sign."""
    gone = desk.add(TARGETS, 2, NOW)
    other = Desk(tmp_path / "OTHER", "", repository)
    other.folder.mkdir()
    (path,) = desk.folder.glob(f"targets-{gone[:16]}.pem")
    path.rename(other.folder / path.name)
    return desk, other


def publish(repository, path, done):
    file = listed(path)[done.target.path]
    envelope = sidecar_of(path).read_bytes()
    return repository.add_signed(
        envelope, done.target.path, file.length, file.hashes["sha256"], NOW
    )


def listed(path):
    return Metadata.from_bytes(sidecar_of(path).read_bytes()).signed.targets


def test_releases_are_numbered_as_they_are_signed(tmp_path, repository, desk):
    paths = [package(tmp_path / "p", version) for version in ("1.0", "1.1")]

    done = [sign_package(desk, path, None, NOW) for path in paths]

    assert [each.target.path for each in done] == [
        "stable/hive-000001-1.0.zip",
        "stable/hive-000002-1.1.zip",
    ]
    assert all(each.missing == 0 for each in done)
    for path, each in zip(paths, done, strict=True):
        assert len(publish(repository, path, each)) == 1


def test_what_is_signed_is_what_is_in_the_package(tmp_path, desk):
    path = package(tmp_path / "p")

    done = sign_package(desk, path, 1, NOW)

    file = listed(path)[done.target.path]
    about = file.custom["hive"]
    assert file.length == path.stat().st_size
    assert (about["version"], about["seq"], about["channel"]) == ("1.0", 1, "stable")
    assert (about["floor_seq"], about["file_count"], about["python"]) == (1, 2, ">=3.11")


def test_the_second_to_publish_needs_no_new_signature(tmp_path, repository, desk):
    first, second = (package(tmp_path / "p", version) for version in ("1.0", "1.1"))
    one, two = (sign_package(desk, path, None, NOW) for path in (first, second))

    publish(repository, second, two)

    assert publish(repository, first, one)


def test_to_sign_again_is_to_say_the_same(tmp_path, desk):
    path = package(tmp_path / "p")
    one = sign_package(desk, path, None, NOW)
    envelope = sidecar_of(path).read_bytes()
    sidecar_of(path).unlink()

    two = sign_package(desk, path, None, NOW + DAY)

    assert two == one
    assert sidecar_of(path).read_bytes() == envelope


def test_a_version_means_the_same_bytes_for_ever(tmp_path, desk):
    sign_package(desk, package(tmp_path / "p"), None, NOW)

    with pytest.raises(Conflict, match="new version"):
        sign_package(desk, package(tmp_path / "q", code=b"other\n"), None, NOW)


def test_the_floor_only_rises_and_never_above_the_release(tmp_path, desk):
    sign_package(desk, package(tmp_path / "p", "1.0"), None, NOW)
    sign_package(desk, package(tmp_path / "p", "1.1"), 2, NOW)

    for floor in (1, 4):
        with pytest.raises(Invalid, match=r"give 2 .* to 3"):
            sign_package(desk, package(tmp_path / "p", "1.2"), floor, NOW)
    path = package(tmp_path / "p", "1.2")
    done = sign_package(desk, path, None, NOW)
    assert listed(path)[done.target.path].custom["hive"]["floor_seq"] == 2
    with pytest.raises(Conflict, match="the floor 2 already"):
        sign_package(desk, path, 3, NOW)


@pytest.mark.parametrize("damage", [b"", b"PK", b"x"])
def test_what_is_no_package_is_not_signed(tmp_path, desk, damage):
    path = package(tmp_path / "p")
    data = path.read_bytes()
    path.write_bytes(data + damage if damage == b"x" else damage)

    with pytest.raises(Invalid, match="no package to publish"):
        sign_package(desk, path, None, NOW)

    assert not sidecar_of(path).exists()


def test_a_flipped_byte_is_found_before_it_is_signed(tmp_path, desk):
    path = package(tmp_path / "p", code=b"print('bee')\n" * 50)
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 1
    path.write_bytes(data)

    with pytest.raises(Invalid, match="no package to publish"):
        sign_package(desk, path, None, NOW)


def test_who_has_no_key_of_this_nexus_signs_nothing(tmp_path, repository, desk):
    other = Desk(tmp_path / "OTHER", "", repository)
    other.make_keys()

    with pytest.raises(Conflict, match="no key that may sign"):
        sign_package(other, package(tmp_path / "p"), None, NOW)


def test_two_operators_sign_one_after_the_other(tmp_path, repository, two):
    first, second = two
    path = package(tmp_path / "p")
    store = node(tmp_path, repository)

    one = sign_package(first, path, 1, NOW)
    assert one.missing == 1
    refused("signature", publish, repository, path, one)
    done = sign_package(second, path, None, NOW + DAY)

    assert (done.missing, len(done.keys)) == (0, 2)
    assert len(publish(repository, path, done)) == 2
    refresh(store, repository)
    assert store.find(done.target.path)


def test_one_operator_twice_is_one(tmp_path, repository, two):
    path = package(tmp_path / "p")

    for _ in range(2):
        done = sign_package(two[0], path, None, NOW)

    assert done.missing == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda signed, path: signed.targets[path].custom["hive"].update(manifest_sha256="f" * 64),
        lambda signed, path: signed.targets[path].custom["hive"].update(python=">=2"),
        lambda signed, path: signed.targets[path].custom["hive"].update(extra=1),
        lambda signed, path: signed.targets[path].custom["hive"].update(seq=7),
        lambda signed, path: signed.targets.update(
            {"stable/hive-000002-6.6.zip": signed.targets[path]}
        ),
        lambda signed, path: setattr(signed, "delegations", None),
        lambda signed, path: setattr(signed, "version", 1),
    ],
)
def test_nobody_signs_blindly_what_another_one_wrote(tmp_path, two, change):
    first, second = two
    path = package(tmp_path / "p")
    done = sign_package(first, path, None, NOW)
    forged = Metadata.from_bytes(sidecar_of(path).read_bytes())
    change(forged.signed, done.target.path)
    sidecar_of(path).write_bytes(forged.to_bytes())

    refused("mismatch", sign_package, second, path, None, NOW)


def test_an_older_floor_in_the_other_ones_list_is_refused(tmp_path, repository, two):
    first, second = two
    old = package(tmp_path / "p")
    sign_package(first, old, 1, NOW)
    publish(repository, old, sign_package(second, old, None, NOW))
    path = package(tmp_path / "p", "1.1")
    done = sign_package(first, path, None, NOW)
    forged = Metadata.from_bytes(sidecar_of(path).read_bytes())
    forged.signed.targets[done.target.path].custom["hive"]["floor_seq"] = 0
    sidecar_of(path).write_bytes(forged.to_bytes())

    with pytest.raises(Invalid, match="--floor 0"):
        sign_package(second, path, None, NOW)


def test_a_list_beside_the_package_that_is_for_other_bytes_is_written_anew(tmp_path, desk):
    path = package(tmp_path / "p")
    other = package(tmp_path / "p", "2.0")
    sign_package(desk, other, None, NOW)
    sidecar_of(path).write_bytes(sidecar_of(other).read_bytes())

    done = sign_package(desk, path, None, NOW)

    assert done.target.path in listed(path)


def test_an_operator_whose_list_fell_behind_begins_from_the_published_one(
    tmp_path, repository, desk
):
    far = Desk(tmp_path / "FAR", "", None)
    for path in desk.folder.iterdir():
        far.folder.mkdir(exist_ok=True)
        (far.folder / path.name).write_bytes(path.read_bytes())
    lost = [package(tmp_path / "lost", version) for version in ("0.1", "0.2")]
    for path in lost:
        sign_package(desk, path, None, NOW)
    path = package(tmp_path / "p")
    publish(repository, path, sign_package(far, path, None, NOW))

    newest = package(tmp_path / "p", "3.0")
    done = sign_package(desk, newest, None, NOW)

    assert done.target.seq == 2
    assert publish(repository, newest, done)


def test_root_is_no_key_for_releases(tmp_path, repository, desk):
    for key in desk.keys.of(TARGETS):
        desk.keys.forget([key.public_key.keyid])

    assert desk.keys.of(ROOT)
    with pytest.raises(Conflict, match="no key that may sign"):
        sign_package(desk, package(tmp_path / "p"), None, NOW)


def forge(tmp_path, name, change, signers):
    """Whoever took the Nexus lays another document there, and signs it as they can."""
    forged = Metadata.from_bytes((tmp_path / "metadata" / name).read_bytes())
    forged.signatures.clear()
    change(forged.signed)
    for signer in signers:
        forged.sign(signer, append=True)
    return forged.to_bytes()


def test_what_a_stolen_nexus_adds_to_the_list_is_not_signed_along(tmp_path, desk):
    evil = holding("stable/hive-000009-9.9.zip", seq=9, channel="stable", version="9.9")
    forged = forge(tmp_path, "targets.json", evil, [stranger()])
    (tmp_path / "metadata" / "targets.json").write_bytes(forged)

    refused("signature", sign_package, desk, package(tmp_path / "p"), None, NOW)


def test_a_root_that_a_stolen_nexus_made_for_itself_is_not_followed(tmp_path, desk):
    thief = stranger()
    evil = holding("stable/hive-000009-9.9.zip", seq=9, channel="stable", version="9.9")

    def take_over(root):
        root.version += 1
        for role in (ROOT, TARGETS):
            root.add_key(thief.public_key, role)

    folder = tmp_path / "metadata"
    (folder / "3.root.json").write_bytes(forge(tmp_path, "root.json", take_over, [thief]))
    (folder / "targets.json").write_bytes(forge(tmp_path, "targets.json", evil, [thief]))

    refused("signature", sign_package, desk, package(tmp_path / "p"), None, NOW)


@pytest.mark.parametrize("word", ["version", "expires"])
def test_a_second_operator_signs_no_list_that_skips_numbers_or_lives_too_long(
    tmp_path, repository, two, word
):
    one, other = two
    path = package(tmp_path / "p")
    other.save(*one.documents())
    sign_package(one, path, None, NOW)

    def change(signed):
        signed.version += 1000 * (word == "version")
        signed.expires += 1000 * DAY * (word == "expires")

    odd = Metadata.from_bytes(sidecar_of(path).read_bytes())
    odd.signatures.clear()
    change(odd.signed)
    odd.sign(one.keys.of(TARGETS)[0])
    sidecar_of(path).write_bytes(odd.to_bytes())

    refused("mismatch", sign_package, other, path, None, NOW)


def test_what_the_nexus_would_not_publish_is_not_signed(tmp_path, desk):
    path = tmp_path / "p.zip"
    about = ReleaseFile("1.0", ">=3.11", ("no.tasks",), digest_requirements(""))
    with path.open("wb") as target:
        write_package(target, {PATH: Source(about.write()), "manage.py": Source(b"")})

    with pytest.raises(Invalid, match=r"'no\.tasks' is not in it"):
        sign_package(desk, path, None, NOW)


@pytest.mark.parametrize("path", ["stable/hive-0000001-1.0.zip", "stable/hive-1-1.0.zip"])
def test_a_release_is_called_in_one_way_only(path):
    refused("unknown_target", Target.read, path)
