"""Whenever the power goes, the metadata are those before a change or those after it."""

import os
from pathlib import Path

import pytest

from ota.domain.trust import DEV
from ota.trust.files import MetadataFiles
from ota.trust.repository import Repository
from tests.ota.trust.places import NOW, add_dev, custom, nexus, node, path_of, refresh


class PowerCut(BaseException):
    """Nothing runs behind it."""


class Fuse:
    """Lets so many renames and deletions happen, then the power goes."""

    def __init__(self, monkeypatch, number):
        self.left, self.names = number, []
        for name in ("replace", "unlink"):
            true = getattr(Path, name)
            monkeypatch.setattr(Path, name, self._burn(true))

    def _burn(self, true):
        def act(path, *args, **options):
            if self.left == 0:
                raise PowerCut
            self.left -= 1
            self.names.append(getattr(args[0], "name", "") if args else path.name)
            return true(path, *args, **options)

        return act


def files(tmp_path, forgotten=None):
    kept = MetadataFiles(tmp_path, lambda ids: forgotten.extend(ids) if ids else None)
    return kept


def steps_of(tmp_path, act):
    """How often a change renames or deletes something."""
    with pytest.MonkeyPatch.context() as patch:
        fuse = Fuse(patch, 10**6)
        act(tmp_path)
    return len(fuse.names)


def add_second(tmp_path):
    add_dev(Repository(tmp_path / "metadata", tmp_path / "secrets"), 2, "2.0")


def test_the_snapshot_is_written_before_the_timestamp_that_names_it(tmp_path):
    repository = nexus(tmp_path)

    with pytest.MonkeyPatch.context() as patch:
        fuse = Fuse(patch, 10**6)
        add_dev(repository)

    names = [name for name in fuse.names if name != "journal.json"]
    assert names[:4] == ["targets.json", "dev.json", "snapshot.json", "timestamp.json"]
    assert fuse.names[0] == fuse.names[-1] == "journal.json"


@pytest.mark.parametrize("step", range(8))
def test_after_a_power_cut_at_any_step_nodes_get_one_state(tmp_path, step):
    repository = nexus(tmp_path)
    store = node(tmp_path, repository)
    add_dev(repository)
    refresh(store, repository)
    with pytest.MonkeyPatch.context() as patch:
        fuse = Fuse(patch, step)
        try:
            add_dev(repository, 2, "2.0")
            assert fuse.names[-1] == "journal.json"
        except PowerCut:
            assert len(fuse.names) == step

    again = Repository(tmp_path / "metadata", tmp_path / "secrets")
    refresh(store, again)

    assert store.find(path_of()).length == 100
    versions = {role.name: role.version for role in again.roles(NOW)}
    # The journal is the first rename: with it there, all of the change is.
    assert versions[DEV] == (3 if step else 2)
    add_dev(again, 3, "3.0")
    refresh(store, again)
    assert store.find(path_of(seq=3, version="3.0"))


def test_the_steps_above_are_all_there_are(tmp_path):
    nexus(tmp_path)

    assert steps_of(tmp_path, add_second) == 7


def test_a_change_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    synced, named = set(), []
    fsync, replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda fd: (synced.add(os.fstat(fd).st_ino), fsync(fd))[1])
    monkeypatch.setattr(
        Path,
        "replace",
        lambda path, to: (named.append(path.stat().st_ino in synced), replace(path, to))[1],
    )

    nexus(tmp_path)

    assert len(named) == 7
    assert all(named)


def test_keys_are_deleted_only_when_the_metadata_need_them_no_more(tmp_path, monkeypatch):
    forgotten = []
    kept = files(tmp_path, forgotten)
    with kept.locked(), pytest.MonkeyPatch.context() as patch:
        Fuse(patch, 1)
        with pytest.raises(PowerCut):
            kept.commit({"a.json": b"1", "b.json": b"2"}, ["key"])
    assert forgotten == []

    with kept.locked():
        pass

    assert forgotten == ["key"]
    assert (tmp_path / "b.json").read_bytes() == b"2"
    assert not (tmp_path / "journal.json").exists()


def test_a_cut_in_the_very_first_start_leaves_nothing_that_hurts(tmp_path):
    repository = Repository(tmp_path / "metadata", tmp_path / "secrets")
    with pytest.MonkeyPatch.context() as patch:
        Fuse(patch, 0)
        with pytest.raises(PowerCut):
            repository.ensure(NOW)

    repository.ensure(NOW)

    assert len(list((tmp_path / "secrets").glob("*.pem"))) == 5
    assert repository.add_dev(path_of(), 1, "a" * 64, custom(), NOW)
