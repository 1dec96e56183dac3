import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hive_site.backups.moving import (
    check_movable,
    clear_staging,
    finish,
    hand_over,
    is_fresh,
    move_in,
)
from hive_site.kernel.errors import Conflict
from hive_site.occupied import is_half_restored

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def fill(folder, word, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(word)


def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def data(tmp_path):
    """A directory with a Hive in it, and another one staged."""
    fill(
        tmp_path, "old", "hive.sqlite3", "secrets/api_key", "spores/spore-1/node.key", "logs/a.log"
    )
    fill(clear_staging(tmp_path), "new", "hive.sqlite3", "secrets/api_key", "blobs/aa/aabb")
    return tmp_path


WHOLE = {
    "hive.sqlite3": "new",
    "secrets/api_key": "new",
    "blobs/aa/aabb": "new",
    "logs/a.log": "old",
    ".replaced-20260102-030405/hive.sqlite3": "old",
    ".replaced-20260102-030405/secrets/api_key": "old",
    ".replaced-20260102-030405/spores/spore-1/node.key": "old",
}


def test_the_new_takes_the_place_of_the_old_which_is_kept(data):
    old = move_in(data, keep_old=True, now=NOW)

    assert old == data / ".replaced-20260102-030405"
    assert contents(data) == WHOLE


def test_a_disk_that_is_new_is_fresh_whatever_its_file_system_made(tmp_path):
    (tmp_path / "lost+found").mkdir(mode=0o000)

    assert is_fresh(tmp_path)


def test_what_cannot_be_moved_is_found_out_before_anything_moves(data, monkeypatch):
    check_movable(data)

    monkeypatch.setattr(Path, "is_mount", lambda path: path.name == "spores")

    with pytest.raises(Conflict, match="spores is a disk of its own; move it away yourself"):
        check_movable(data)


def test_what_any_command_makes_is_not_kept(data):
    move_in(data, keep_old=False, now=NOW)

    assert contents(data) == {name: word for name, word in WHOLE.items() if "replaced" not in name}


@pytest.mark.parametrize("renames", range(6))
def test_one_that_breaks_off_anywhere_is_finished_later(data, renames, monkeypatch):
    real, left = Path.rename, [renames]

    def rename(self, target):
        if not left[0]:
            raise OSError("power cut")
        left[0] -= 1
        return real(self, target)

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(OSError, match="power cut"):
        move_in(data, keep_old=True, now=NOW)
    monkeypatch.undo()

    assert is_half_restored(data)
    finish(data)
    assert contents(data) == WHOLE
    assert not is_half_restored(data)


def test_a_directory_is_fresh_with_what_settings_make_in_it(tmp_path):
    assert is_fresh(tmp_path)
    fill(tmp_path, "", "hive.sqlite3", "secrets/secret_key", "secrets/fleet_key", "run/lock")
    assert is_fresh(tmp_path)


@pytest.mark.parametrize("name", ["hive.sqlite3", "secrets/api_key", "ota/metadata/1.root.json"])
def test_a_directory_with_anything_of_a_hive_is_not(tmp_path, name):
    fill(tmp_path, "something", name)

    assert not is_fresh(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_root_restored_belongs_to_whom_the_directory_belongs(data):
    move_in(data, keep_old=False, now=NOW)
    os.chown(data, 65534, 65534)

    hand_over(data)

    assert {path.stat().st_uid for path in (data / "secrets").rglob("*")} == {65534}
    assert (data / "hive.sqlite3").stat().st_uid == 65534
