"""The Nexus signs what it may, passes on what operators signed, and refuses the rest."""

import threading

import pytest
from tuf.api.metadata import Metadata

from hive_site.kernel.errors import Conflict, NotFound
from ota.domain.trust import DEV, OFFLINE, ONLINE, ROOT, SNAPSHOT, TARGETS, TIMESTAMP, Untrusted
from ota.trust.desk import Desk
from ota.trust.repository import Repository
from ota.trust.sidecar import sign_package
from ota.trust.signing import delegate_dev
from tests.ota.trust.forging import document, next_root, refused, stranger, tampered
from tests.ota.trust.packages import package, sidecar_of
from tests.ota.trust.places import DAY, NOW, SHA, add_dev, custom, nexus, node, path_of, refresh


@pytest.fixture
def repository(tmp_path):
    return nexus(tmp_path)


@pytest.fixture
def desk(tmp_path, repository):
    """An operator's, who has the Nexus's trust."""
    desk = Desk(tmp_path / "KEYS", "", repository)
    desk.make_keys()
    desk.move_trust(NOW)
    return desk


def signed_package(tmp_path, desk, version="1.0"):
    path = package(tmp_path / "packages", version)
    done = sign_package(desk, path, None, NOW)
    file = Metadata.from_bytes(sidecar_of(path).read_bytes()).signed.targets[done.target.path]
    return sidecar_of(path).read_bytes(), done.target.path, file.length, file.hashes["sha256"]


def versions(repository):
    return {role.name: role.version for role in repository.roles(NOW)}


def resigned(envelope, signers, change=lambda signed: None):
    """The same list, changed, and signed by these."""
    new = Metadata.from_bytes(envelope)
    change(new.signed)
    new.signatures.clear()
    for signer in signers:
        new.sign(signer, append=True)
    return new.to_bytes()


def test_without_metadata_people_are_told_who_makes_them(tmp_path):
    repository = Repository(tmp_path / "metadata", tmp_path / "secrets")

    assert not repository.exists
    for act in (repository.root, lambda: repository.bundle(0), lambda: repository.roles(NOW)):
        with pytest.raises(NotFound, match="hive up"):
            act()


def test_a_second_start_finds_everything_again(tmp_path, repository):
    root = repository.root()

    nexus(tmp_path).ensure(NOW + DAY)

    assert repository.root() == root
    assert len(list((tmp_path / "secrets").glob("*.pem"))) == 5


def test_starts_at_once_agree(tmp_path):
    gate = threading.Barrier(6)

    def start():
        gate.wait()
        nexus(tmp_path)

    threads = [threading.Thread(target=start) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    repository = nexus(tmp_path)
    assert set(versions(repository).values()) == {1}
    assert len(list((tmp_path / "secrets").glob("*.pem"))) == 5
    refresh(node(tmp_path, repository), repository)


def test_changes_at_once_are_all_kept(tmp_path, repository):
    threads = [
        threading.Thread(target=add_dev, args=(nexus(tmp_path), seq, f"{seq}.0"))
        for seq in range(1, 7)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(document(repository.bundle(0), DEV).signed.targets) == 6


def test_quick_start_nags(repository):
    alarms = {role.name: role.alarm for role in repository.roles(NOW)}

    assert all("ota keys init" in alarms[name] for name in OFFLINE)
    assert not any(alarms[name] for name in ONLINE)


def test_an_operators_keys_end_the_nagging(repository, desk):
    assert not any(role.alarm for role in repository.roles(NOW))
    assert {role.name for role in repository.roles(NOW) if role.here} == set(ONLINE)


@pytest.mark.parametrize(
    ("days", "name", "word"),
    [
        (700, ROOT, "ota keys rotate root"),
        (320, TARGETS, "expires at"),
        (370, TARGETS, "expired"),
        (4, TIMESTAMP, "Foreman"),
        (8, TIMESTAMP, "expired"),
    ],
)
def test_what_nears_its_end_is_told(repository, desk, days, name, word):
    alarms = {role.name: role.alarm for role in repository.roles(NOW + days * DAY)}

    assert word in alarms[name]


def test_a_lost_online_key_is_told(tmp_path, repository):
    (timestamp,) = (tmp_path / "secrets").glob("timestamp-*.pem")
    timestamp.unlink()

    alarms = {role.name: role.alarm for role in repository.roles(NOW)}

    assert "lacks its key" in alarms[TIMESTAMP]
    with pytest.raises(Conflict, match="timestamp needs"):
        add_dev(repository)


def test_the_same_package_twice_is_one(repository):
    first = repository.add_dev(path_of(), 100, SHA, custom(), NOW)
    second = repository.add_dev(path_of(), 100, SHA, custom(), NOW)

    assert first == second == [key.public_key.keyid for key in repository.keys.of(DEV)]
    with pytest.raises(Conflict, match="other bytes"):
        repository.add_dev(path_of(), 100, "b" * 64, custom(), NOW)


def test_the_nexus_signs_for_dev_only(repository):
    with pytest.raises(Conflict, match="dev/ only"):
        repository.add_dev(path_of("stable"), 100, SHA, custom("stable"), NOW)
    with pytest.raises(Untrusted, match="CHANNEL/hive"):
        repository.add_dev("dev/../x.zip", 100, SHA, custom(), NOW)


def test_what_is_removed_is_signed_no_more(tmp_path, repository):
    path = add_dev(repository)
    store = node(tmp_path, repository)

    repository.remove_dev(path, NOW)
    repository.remove_dev(path, NOW)

    refresh(store, repository)
    refused("unknown_target", store.find, path)
    assert versions(repository)[DEV] == 3


def test_nothing_is_signed_before_half_of_its_life_is_over(repository):
    assert not repository.refresh(NOW + 3 * DAY)
    assert repository.refresh(NOW + 4 * DAY)
    assert not repository.refresh(NOW + 4 * DAY)
    assert versions(repository) == {ROOT: 1, TARGETS: 1, DEV: 1, SNAPSHOT: 2, TIMESTAMP: 2}


def test_the_nexus_renews_what_is_its_own_to_sign(repository, desk):
    before = versions(repository)

    repository.refresh(NOW + 400 * DAY)

    after = versions(repository)
    assert {name for name in after if after[name] > before[name]} == set(ONLINE)


def test_a_quick_start_goes_on_for_ever(tmp_path, repository):
    store = node(tmp_path, repository)
    for year in range(1, 5):
        repository.refresh(NOW + year * 300 * DAY)

    refresh(store, repository, NOW + 1200 * DAY)

    assert store.root_version() == 3


def test_what_an_operator_signed_is_published(tmp_path, repository, desk):
    envelope, path, length, sha256 = signed_package(tmp_path, desk)
    store = node(tmp_path, repository)

    keys = repository.add_signed(envelope, path, length, sha256, NOW)

    refresh(store, repository)
    assert store.find(path).sha256 == sha256
    assert keys == [key.public_key.keyid for key in desk.keys.of(TARGETS)]
    assert repository.add_signed(envelope, path, length, sha256, NOW) == keys


def test_a_signature_for_other_bytes_is_refused(tmp_path, repository, desk):
    envelope, path, length, sha256 = signed_package(tmp_path, desk)
    before = versions(repository)

    refused("mismatch", repository.add_signed, envelope, path, length + 1, sha256, NOW)
    refused("mismatch", repository.add_signed, envelope, path, length, "b" * 64, NOW)
    refused("unknown_target", repository.add_signed, envelope, path_of(seq=2), 1, sha256, NOW)
    refused("malformed", repository.add_signed, b"{}", path, length, sha256, NOW)
    refused("malformed", repository.add_signed, repository.root(), path, length, sha256, NOW)
    assert versions(repository) == before


def test_a_signature_by_others_is_refused(tmp_path, repository, desk):
    envelope, *rest = signed_package(tmp_path, desk)

    for signers in ([stranger()], repository.keys.of(DEV), desk.keys.of(ROOT), []):
        refused("signature", repository.add_signed, resigned(envelope, signers), *rest, NOW)
    refused("signature", repository.add_signed, tampered(envelope).encode(), *rest, NOW)


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("rollback", lambda signed: setattr(signed, "version", 2)),
        ("expired", lambda signed: setattr(signed, "expires", NOW - DAY)),
        ("mismatch", lambda signed: setattr(signed, "delegations", None)),
        ("mismatch", lambda signed: signed.delegations.roles.pop(DEV)),
        ("unknown_target", lambda signed: signed.targets.update({"x": None})),
    ],
)
def test_an_operators_list_must_fit_this_nexus(tmp_path, repository, desk, code, change):
    envelope, path, *rest = signed_package(tmp_path, desk)

    def changed(signed):
        change(signed)
        if "x" in signed.targets:
            signed.targets["x"] = signed.targets[path]

    forged = resigned(envelope, desk.keys.of(TARGETS), changed)

    refused(code, repository.add_signed, forged, path, *rest, NOW)


def test_a_list_that_names_another_key_for_dev_is_refused(tmp_path, repository, desk):
    envelope, *rest = signed_package(tmp_path, desk)

    def delegate(signed):
        signed.delegations = delegate_dev([stranger().public_key])

    forged = resigned(envelope, desk.keys.of(TARGETS), delegate)

    refused("signature", repository.add_signed, forged, *rest, NOW)


def test_a_list_that_drops_a_release_is_refused(tmp_path, repository, desk):
    first = signed_package(tmp_path, desk)
    repository.add_signed(*first, NOW)
    envelope, *rest = signed_package(tmp_path, desk, "2.0")
    shorter = resigned(envelope, desk.keys.of(TARGETS), lambda signed: signed.targets.pop(first[1]))

    refused("mismatch", repository.add_signed, shorter, *rest, NOW)


def test_a_root_that_does_not_follow_is_refused(repository, desk):
    before = repository.root()
    thief = stranger()

    def take_over(root):
        root.add_key(thief.public_key, ROOT)

    forged = next_root(repository, [thief], take_over).encode()
    skipping = next_root(
        repository, desk.keys.of(ROOT), lambda root: setattr(root, "version", 9)
    ).encode()

    refused("signature", repository.accept, [forged], None, NOW)
    refused("rollback", repository.accept, [skipping], None, NOW)
    refused("rollback", repository.accept, [before], None, NOW)
    assert repository.root() == before


def test_a_root_must_leave_the_nexus_its_keys(repository, desk):
    def replace_timestamp(root):
        root.revoke_key(root.roles[TIMESTAMP].keyids[0], TIMESTAMP)
        root.add_key(stranger().public_key, TIMESTAMP)

    new = next_root(repository, desk.keys.of(ROOT), replace_timestamp).encode()

    refused("mismatch", repository.accept, [new], None, NOW)


def test_a_root_with_another_key_for_targets_needs_targets_by_that_key(repository, desk):
    def replace_targets(root):
        root.revoke_key(root.roles[TARGETS].keyids[0], TARGETS)
        root.add_key(stranger().public_key, TARGETS)

    new = next_root(repository, desk.keys.of(ROOT), replace_targets).encode()

    refused("signature", repository.accept, [new], None, NOW)
