"""A node believes its root, and whoever that vouches for; whatever else it is told, it refuses."""

import os
import subprocess
import sys

import pytest

from ota.domain.trust import DEV, SNAPSHOT, TARGETS, TIMESTAMP, Untrusted
from ota.spore.trust import TrustStore
from ota.trust.desk import Desk
from tests.ota.trust.forging import (
    Thief,
    document,
    expiring,
    holding,
    next_root,
    refused,
    stranger,
    tampered,
)
from tests.ota.trust.places import DAY, NOW, SHA, add_dev, custom, nexus, node, path_of, refresh

ROLES = (TIMESTAMP, SNAPSHOT, TARGETS, DEV)


@pytest.fixture
def repository(tmp_path):
    return nexus(tmp_path)


@pytest.fixture
def store(tmp_path, repository):
    return node(tmp_path, repository)


def take(store, bundle, path=None, now=NOW):
    """What a node does with a bundle, down to the release."""
    store.refresh(bundle, now)
    return store.find(path or path_of())


def quick_desk(repository):
    """Whoever holds the keys of a quick start."""
    return Desk(repository.keys.folder, "", repository)


def operate(tmp_path, repository):
    desk = Desk(tmp_path / "KEYS", "", repository)
    desk.make_keys()
    desk.move_trust(NOW)
    return desk


def test_a_node_finds_what_was_signed(repository, store):
    path = add_dev(repository)

    found = take(store, repository.bundle(1))

    assert (found.path, found.length, found.sha256) == (path, 100, SHA)
    assert found.custom == custom()


def test_what_was_taken_once_is_found_without_a_nexus(tmp_path, repository, store):
    add_dev(repository)
    take(store, repository.bundle(1))

    again = TrustStore(tmp_path / "node")

    assert again.find(path_of()).sha256 == SHA


def test_a_release_that_nobody_signed_is_unknown(repository, store):
    refresh(store, repository)

    refused("unknown_target", store.find, path_of(seq=9))
    refused("unknown_target", store.find, "../hive-000001-1.0.zip")


def test_without_a_root_nothing_is_trusted(tmp_path, repository):
    store = TrustStore(tmp_path / "new")

    assert not store.pinned
    refused("signature", store.refresh, repository.bundle(0), NOW)
    refused("signature", store.root_version)


def test_a_root_is_pinned_once(tmp_path, repository, store):
    other = nexus(tmp_path / "other")

    store.pin(repository.root())

    refused("signature", store.pin, other.root())
    refused("signature", TrustStore(tmp_path / "x").pin, tampered(repository.root()).encode())
    refused("malformed", TrustStore(tmp_path / "x").pin, b"no root")
    refused("malformed", TrustStore(tmp_path / "x").pin, repository.targets())
    assert not TrustStore(tmp_path / "x").pinned


@pytest.mark.parametrize("role", ROLES)
def test_a_changed_digit_is_refused_and_the_true_metadata_are_taken_then(repository, store, role):
    add_dev(repository)
    bundle = repository.bundle(1)

    with pytest.raises(Untrusted) as fact:
        take(store, {**bundle, role: tampered(bundle[role])})

    assert fact.value.code == ("signature" if role == TIMESTAMP else "mismatch")
    assert take(store, bundle).sha256 == SHA


def test_what_was_known_is_known_after_a_forgery(repository, store):
    add_dev(repository)
    take(store, repository.bundle(1))
    add_dev(repository, 2, "2.0")
    bundle = repository.bundle(1)

    refused("signature", store.refresh, {**bundle, TIMESTAMP: tampered(bundle[TIMESTAMP])}, NOW)

    assert store.find(path_of()).sha256 == SHA
    refused("unknown_target", store.find, path_of(seq=2, version="2.0"))


@pytest.mark.parametrize("role", ROLES)
def test_a_strangers_signature_is_refused(repository, store, role):
    add_dev(repository)
    thief = Thief(repository, {role: stranger()})

    refused("signature", take, store, thief.bundle(dev=vars, targets=vars))


def test_metadata_of_another_nexus_are_refused(tmp_path, store):
    other = nexus(tmp_path / "other")
    add_dev(other)

    refused("signature", take, store, other.bundle(1))


def test_yesterdays_metadata_are_refused(repository, store):
    add_dev(repository)
    yesterday = repository.bundle(1)
    add_dev(repository, 2, "2.0")
    refresh(store, repository)

    refused("rollback", take, store, yesterday)


@pytest.mark.parametrize(
    ("role", "code"), [(TIMESTAMP, "rollback"), (SNAPSHOT, "mismatch"), (DEV, "mismatch")]
)
def test_one_old_file_among_new_ones_is_refused(repository, store, role, code):
    add_dev(repository)
    old = repository.bundle(1)
    refresh(store, repository)
    add_dev(repository, 2, "2.0")
    refresh(store, repository)
    add_dev(repository, 3, "3.0")

    refused(code, take, store, {**repository.bundle(1), role: old[role]})


def test_old_targets_among_new_files_are_refused(tmp_path, repository, store):
    old = repository.bundle(1)
    operate(tmp_path, repository)

    refused("mismatch", take, store, {**repository.bundle(1), TARGETS: old[TARGETS]})


def test_a_snapshot_and_targets_of_two_states_do_not_go_together(repository, store):
    add_dev(repository)
    first = repository.bundle(1)
    add_dev(repository, 2, "2.0")
    second = repository.bundle(1)

    refused("mismatch", take, store, {**first, DEV: second[DEV]})
    refused("mismatch", take, store, {**second, SNAPSHOT: first[SNAPSHOT]})


@pytest.mark.parametrize("role", [TARGETS, DEV])
def test_who_has_the_online_keys_cannot_bring_back_an_older_list(repository, store, role):
    thief = Thief(repository)
    thief_bundle = thief.bundle(**{role: vars})
    store.refresh(thief_bundle, NOW)

    def lower(signed):
        signed.version = 3
        signed.meta["targets.json"].version = signed.meta["dev.json"].version = 1

    def later(signed):
        signed.version = 3

    refused("rollback", store.refresh, thief.bundle(snapshot=lower, timestamp=later), NOW)


@pytest.mark.parametrize("role", ROLES)
def test_what_has_expired_is_refused(repository, store, role):
    add_dev(repository)
    bundle = Thief(repository).bundle(**{role: expiring(NOW - DAY)})

    refused("expired", take, store, bundle)


def test_an_expired_root_is_refused(repository, store):
    old = next_root(repository, repository.keys.of("root"), expiring(NOW - DAY))

    refused("expired", take, store, {**repository.bundle(1), "roots": [old]})


def test_a_nexus_that_fell_silent_is_believed_for_a_week(repository, store):
    add_dev(repository)

    assert take(store, repository.bundle(1), now=NOW + 6 * DAY)
    refused("expired", take, store, repository.bundle(1), path_of(), NOW + 8 * DAY)


@pytest.mark.parametrize("role", [SNAPSHOT, TARGETS, DEV])
def test_a_clock_that_was_set_back_revives_nothing(repository, store, role):
    add_dev(repository)
    # The Nexus signed the timestamp a month after the rest had expired; this clock knows nothing.
    later = (NOW + 40 * DAY).strftime("%Y-%m-%dT%H:%M:%SZ")

    def stamp(signed):
        signed.unrecognized_fields["signed_at"] = later
        signed.expires = NOW + 47 * DAY

    def last(signed):
        signed.expires = NOW + 60 * DAY

    changes = {SNAPSHOT: last, TARGETS: last, DEV: last, role: expiring(NOW + 10 * DAY)}

    refused("expired", take, store, Thief(repository).bundle(timestamp=stamp, **changes))


def test_the_key_of_dev_signs_for_nothing_else(repository, store):
    path = path_of("stable")
    bundle = Thief(repository).bundle(dev=holding(path, seq=1, channel="stable"))

    refused("unknown_target", take, store, bundle, path)


@pytest.mark.parametrize("wrong", [{"seq": 2}, {"channel": "stable"}, {"version": "6.6"}])
def test_a_record_of_another_release_is_refused(repository, store, wrong):
    said = {"seq": 1, "channel": "dev", **wrong}

    refused("mismatch", take, store, Thief(repository).bundle(dev=holding(path_of(), **said)))


@pytest.mark.parametrize("custom", [None, [], {"hive": 1}, {"bee": {}}])
def test_a_package_without_a_record_is_refused(repository, store, custom):
    def change(signed):
        holding(path_of(), seq=1, channel="dev")(signed)
        signed.targets[path_of()].unrecognized_fields["custom"] = custom

    refused("malformed", take, store, Thief(repository).bundle(dev=change))


def test_expired_dev_releases_do_not_hold_up_stable_ones(tmp_path, repository, store):
    path = path_of("stable")
    bundle = Thief(repository).bundle(
        targets=holding(path, seq=1, channel="stable"), dev=expiring(NOW - DAY)
    )

    assert take(store, bundle, path).sha256 == SHA


def test_a_node_follows_from_quick_start_to_an_operator_and_on(tmp_path, repository, store):
    desk = operate(tmp_path, repository)
    for role in ("root", "targets", "timestamp", "root"):
        desk.rotate(role, "", NOW)
    add_dev(repository)

    found = take(store, repository.bundle(store.root_version()))

    assert found.sha256 == SHA
    assert store.root_version() == store.summary()["root"] == 6
    assert all(store.knows(repository.root_at(version)) for version in (1, 4, 6))
    assert not store.knows(nexus(tmp_path / "other").root())


def test_a_root_that_the_last_one_did_not_sign_is_refused(repository, store):
    add_dev(repository)
    thief = stranger()

    def take_over(root):
        for role in root.roles:
            root.add_key(thief.public_key, role)

    forged = next_root(repository, [thief], take_over)

    refused("signature", take, store, {**repository.bundle(1), "roots": [forged]})
    assert store.root_version() == 1


def test_a_root_that_does_not_sign_itself_is_refused(repository, store):
    def take_over(root):
        root.roles["root"].keyids.clear()
        root.add_key(stranger().public_key, "root")

    forged = next_root(repository, repository.keys.of("root"), take_over)

    refused("signature", take, store, {**repository.bundle(1), "roots": [forged]})


def test_a_chain_with_a_gap_leads_nowhere(tmp_path, repository, store):
    desk = operate(tmp_path, repository)
    desk.rotate("timestamp", "", NOW)
    add_dev(repository)
    bundle = repository.bundle(1)

    refused("signature", take, store, {**bundle, "roots": bundle["roots"][1:]})
    assert take(store, bundle)


def test_a_root_damaged_on_the_disk_is_asked_for_again(tmp_path, repository, store):
    desk = operate(tmp_path, repository)
    desk.rotate("timestamp", "", NOW)
    add_dev(repository)
    refresh(store, repository)
    (tmp_path / "node/metadata/root_history/2.root.json").write_bytes(b"")

    assert store.root_version() == 1
    assert take(store, repository.bundle(1)).sha256 == SHA
    assert store.root_version() == 3


def test_versions_that_a_thief_ran_up_are_forgotten_with_the_thiefs_keys(
    tmp_path, repository, store
):
    desk = operate(tmp_path, repository)
    add_dev(repository)

    def run_up(signed):
        signed.version = 10**6

    store.refresh(Thief(repository).bundle(snapshot=run_up, timestamp=run_up), NOW)
    refused("rollback", refresh, store, repository)

    desk.rotate(SNAPSHOT, "", NOW)
    desk.rotate(TIMESTAMP, "", NOW)

    assert take(store, repository.bundle(store.root_version())).sha256 == SHA


def test_one_signature_of_two_is_not_enough(tmp_path, repository, store):
    desk = operate(tmp_path, repository)
    desk.add("targets", 2, NOW)
    one = desk.keys.of("targets")[0]
    bundle = Thief(repository, {TARGETS: one}).bundle(targets=vars)
    add_dev(repository)

    assert len(document(repository.bundle(1), TARGETS).signatures) == 2
    refused("signature", take, store, bundle)
    assert take(node(tmp_path, repository, "other"), repository.bundle(1))


@pytest.mark.parametrize(
    "bundle",
    [
        None,
        [],
        {},
        {"roots": [1]},
        {"roots": ["{}"]},
        {"roots": ['{"signed": {"version": Infinity}}']},
        {"roots": [], "timestamp": 5},
        {"roots": [], "timestamp": "[" * 5000},
        {"roots": []},
    ],
)
def test_nonsense_is_refused(store, bundle):
    refused("malformed", store.refresh, bundle, NOW)


def test_an_endless_timestamp_is_cut_off(repository, store):
    bundle = repository.bundle(1)

    refused("mismatch", store.refresh, {**bundle, TIMESTAMP: bundle[TIMESTAMP] + " " * 10**5}, NOW)


def test_what_is_kept_is_forced_to_the_disk(tmp_path, repository, store, monkeypatch):
    add_dev(repository)
    synced, fsync = set(), os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: (synced.add(os.fstat(fd).st_ino), fsync(fd))[1])

    take(store, repository.bundle(1))

    kept = tmp_path / "node/metadata"
    paths = [kept, *kept.rglob("*")]
    assert len(paths) > 6
    assert {path.stat().st_ino for path in paths} <= synced


def test_a_summary_says_what_is_kept(tmp_path, repository, store):
    refresh(store, repository)

    assert store.summary() == {"root": 1, "expires": int((NOW + 7 * DAY).timestamp())}
    assert TrustStore(tmp_path / "none").summary() == {"root": 0, "expires": 0}


def test_neither_django_nor_tuf_is_loaded_before_it_is_needed():
    program = (
        "import sys, pathlib; from ota.spore.trust import TrustStore;"
        "TrustStore(pathlib.Path('nowhere')).summary();"
        "sys.exit(bool({'django', 'tuf'} & sys.modules.keys()))"
    )

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
