"""Operators take trust over, share it, and replace its keys; nodes follow."""

import json
import shutil

import pytest

from hive_site.kernel.errors import Conflict, Invalid, NotFound
from ota.domain.trust import DEV, OFFLINE, ROOT, SNAPSHOT, TARGETS, TIMESTAMP
from ota.trust.desk import Desk
from ota.trust.handover import read_handover
from ota.trust.repository import Repository
from tests.ota.trust.forging import document, refused
from tests.ota.trust.places import NOW, add_dev, nexus, node, path_of, refresh


@pytest.fixture
def repository(tmp_path):
    return nexus(tmp_path)


def desk_of(tmp_path, repository, name="KEYS"):
    desk = Desk(tmp_path / name, "", repository)
    desk.make_keys()
    return desk


@pytest.fixture
def desk(tmp_path, repository):
    desk = desk_of(tmp_path, repository)
    desk.move_trust(NOW)
    return desk


def told(repository):
    bundle = repository.bundle(0)
    return {"roots": bundle["roots"], "targets": bundle["targets"]}


def carry(desk, repository):
    path = desk.folder / "root.json"
    return repository.accept(*read_handover(path, repository.root(), repository.targets()), NOW)


def keys_of(repository, name):
    return {role.name: role for role in repository.roles(NOW)}[name].keys


def test_trust_moves_to_the_operator_and_the_nexus_loses_its_keys(tmp_path, repository):
    store = node(tmp_path, repository)
    add_dev(repository)
    refresh(store, repository)
    desk = desk_of(tmp_path, repository)

    moved = desk.move_trust(NOW)

    left = {path.name.split("-")[0] for path in (tmp_path / "secrets").glob("*.pem")}
    assert moved
    assert left == {DEV, SNAPSHOT, TIMESTAMP}
    for role in OFFLINE:
        assert list(keys_of(repository, role)) == [k.public_key.keyid for k in desk.keys.of(role)]
    refresh(store, repository)
    assert store.root_version() == 2
    assert store.find(path_of())


def test_to_move_trust_twice_changes_nothing(repository, desk):
    root = repository.root()

    assert not desk.move_trust(NOW)
    assert repository.root() == root


def test_nobody_takes_trust_from_an_operator(tmp_path, repository, desk):
    other = desk_of(tmp_path, repository, "OTHER")

    with pytest.raises(Conflict, match="other keys"):
        other.move_trust(NOW)

    assert keys_of(repository, ROOT) == tuple(k.public_key.keyid for k in desk.keys.of(ROOT))


def test_the_old_root_alone_signs_for_nothing_any_more(tmp_path, repository):
    backup = shutil.copytree(tmp_path / "secrets", tmp_path / "stolen")
    desk_of(tmp_path, repository).move_trust(NOW)
    thief = Desk(backup, "", repository)

    with pytest.raises(Conflict, match="needs the signatures"):
        thief.rotate(ROOT, "", NOW)


@pytest.mark.parametrize("role", [ROOT, TARGETS, DEV, SNAPSHOT, TIMESTAMP])
def test_a_role_gets_a_new_key_and_nodes_follow(tmp_path, repository, desk, role):
    store = node(tmp_path, repository)
    path = add_dev(repository)
    before = keys_of(repository, role)

    gone = desk.rotate(role, "", NOW)

    assert tuple(gone) == before
    assert not set(keys_of(repository, role)) & set(before)
    assert not desk.keys.holds(gone)
    assert not repository.keys.holds(gone)
    refresh(store, repository)
    assert store.find(path)
    add_dev(repository, 2, "2.0")
    refresh(store, repository)


def test_one_of_two_keys_is_replaced(repository, desk):
    kept, gone = (desk.keys.of(TARGETS)[0].public_key.keyid, desk.add(TARGETS, None, NOW))

    assert desk.rotate(TARGETS, gone[:8], NOW) == [gone]

    assert kept in keys_of(repository, TARGETS)
    assert len(keys_of(repository, TARGETS)) == 2
    with pytest.raises(NotFound, match="begins with 'xyz'"):
        desk.rotate(TARGETS, "xyz", NOW)


def test_a_threshold_is_kept_by_all_that_is_signed(tmp_path, repository, desk):
    store = node(tmp_path, repository)

    desk.add(ROOT, 2, NOW)
    desk.add(TARGETS, 2, NOW)

    refresh(store, repository)
    bundle = repository.bundle(0)
    assert len(document(bundle, TARGETS).signatures) == 2
    assert {role.name: role.threshold for role in repository.roles(NOW)}[ROOT] == 2


@pytest.mark.parametrize("threshold", [0, 3])
def test_a_threshold_that_cannot_be_met_is_refused(repository, desk, threshold):
    root = repository.root()

    with pytest.raises(Invalid, match="give 1 to 2"):
        desk.add(TARGETS, threshold, NOW)

    assert repository.root() == root
    assert len(desk.keys.of(TARGETS)) == 1


def test_one_of_two_root_keys_changes_nothing(tmp_path, repository, desk):
    gone = desk.add(ROOT, 2, NOW)
    desk.keys.forget([gone])
    root = repository.root()

    for act in (lambda: desk.rotate(ROOT, "", NOW), lambda: desk.add(TARGETS, 1, NOW)):
        with pytest.raises(Conflict, match="signatures of 2"):
            act()

    assert repository.root() == root
    assert len(desk.keys.of(TARGETS)) == 1


def test_trust_moves_to_an_operator_on_another_machine(tmp_path, repository):
    store = node(tmp_path, repository)
    desk = Desk(tmp_path / "far", "", None)
    desk.make_keys()
    desk.take(told(repository))
    desk.move_trust(NOW)

    gone = carry(desk, repository)

    refresh(store, repository)
    assert store.root_version() == 2
    assert len(gone) == 2
    assert carry(desk, repository) == []


def test_several_changes_are_carried_over_at_once(tmp_path, repository):
    store = node(tmp_path, repository)
    desk = Desk(tmp_path / "far", "", None)
    desk.make_keys()
    desk.take(told(repository))
    desk.move_trust(NOW)
    for role in (ROOT, TARGETS, ROOT):
        desk.rotate(role, "", NOW)

    carry(desk, repository)

    refresh(store, repository)
    assert store.root_version() == 5
    desk.take(json.loads(json.dumps(told(repository))))
    assert not desk.move_trust(NOW)


def test_what_is_carried_over_must_be_whole(tmp_path, repository):
    desk = Desk(tmp_path / "far", "", None)
    desk.make_keys()
    desk.take(told(repository))
    desk.move_trust(NOW)
    old = (desk.folder / "root.json").read_bytes()
    desk.rotate(ROOT, "", NOW)
    desk.rotate(ROOT, "", NOW)
    (desk.folder / "3.root.json").unlink()

    refused("mismatch", carry, desk, repository)

    assert repository.root() != old
    with pytest.raises(NotFound):
        repository.root_at(2)


def test_an_operator_far_away_takes_no_root_that_does_not_follow(tmp_path, repository):
    desk = Desk(tmp_path / "far", "", None)
    desk.make_keys()
    desk.take(told(repository))
    desk.move_trust(NOW)
    other = nexus(tmp_path / "other")
    desk_of(tmp_path / "other", other).move_trust(NOW)
    other_desk = Desk(tmp_path / "other/KEYS", "", other)
    other_desk.rotate(ROOT, "", NOW)

    refused("signature", desk.take, told(other))


def test_online_keys_are_replaced_where_they_lie(tmp_path, repository):
    desk = Desk(tmp_path / "far", "", None)
    desk.make_keys()
    desk.take(told(repository))

    with pytest.raises(Conflict, match="on the Nexus"):
        desk.rotate(TIMESTAMP, "", NOW)


def test_a_desk_leaves_the_nexus_of_somebody_else_alone(tmp_path, repository, desk):
    mine = nexus(tmp_path / "mine")
    desk_of(tmp_path / "mine", mine).move_trust(NOW)  # as many roots, but others
    root = mine.root()
    far = Desk(desk.folder, "", mine)

    far.rotate(ROOT, "", NOW)

    assert far.nexus is None
    assert mine.root() == root


def test_what_no_nexus_printed_is_refused(tmp_path):
    desk = Desk(tmp_path / "far", "", None)

    for nonsense in (
        {},
        {"roots": 5},
        {"roots": [], "targets": "{}"},
        {"roots": ["x"], "targets": None},
    ):
        with pytest.raises(Invalid, match="ota keys list --json"):
            desk.take(nonsense)


def test_a_change_cut_short_at_the_nexus_is_whole_at_the_desk(tmp_path, repository, desk):
    """The power goes after the Nexus has the new root, and before the desk has."""
    saved = {path: path.read_bytes() for path in desk.folder.glob("*.json")}
    desk.rotate(TIMESTAMP, "", NOW)
    for path in desk.folder.glob("*.json"):
        path.unlink()
    for path, data in saved.items():
        path.write_bytes(data)

    again = Desk(desk.folder, "", Repository(tmp_path / "metadata", tmp_path / "secrets"))
    again.rotate(SNAPSHOT, "", NOW)

    assert again.documents()[0].signed.version == 4
