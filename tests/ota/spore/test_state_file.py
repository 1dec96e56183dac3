import errno

import pytest

from ota.domain.install.state import State
from ota.spore.state_file import StateFile
from tests.ota.domain.install.node import OWN_SLOT, A, slot

FIRST, SECOND = State(OWN_SLOT), State(slot(A), previous=OWN_SLOT, rev=7)


@pytest.fixture
def kept(tmp_path):
    return StateFile(tmp_path)


def test_a_new_home_has_no_state(kept):
    assert kept.load() == (None, "")


def test_the_newest_state_is_found_again(kept, tmp_path):
    kept.save(FIRST)
    kept.save(SECOND)

    assert StateFile(tmp_path).load() == (SECOND, "")
    assert (tmp_path / "state.json").stat().st_mode & 0o777 == 0o600


def test_the_one_before_stands_in_for_a_damaged_one(kept, tmp_path):
    kept.save(FIRST)
    kept.save(SECOND)
    path = tmp_path / "state.json"
    path.write_bytes(path.read_bytes()[:50])

    state, fault = kept.load()

    assert state == FIRST
    assert "state.json: it was cut or changed" in fault


def test_two_damaged_ones_are_none(kept, tmp_path):
    kept.save(FIRST)
    kept.save(SECOND)
    for path in tmp_path.glob("state.json*"):
        path.write_bytes(b"{}")

    state, fault = kept.load()

    assert state is None
    assert fault.count("cut or changed") == 2


def test_what_is_left_of_a_power_cut_does_no_harm(kept, tmp_path):
    kept.save(FIRST)
    (tmp_path / "state.new").write_bytes(b"half of someth")
    (tmp_path / "state.old").write_bytes(b"")

    kept.save(SECOND)

    assert kept.load() == (SECOND, "")


def test_a_full_disk_leaves_the_old_one_and_is_told(kept, tmp_path, monkeypatch):
    kept.keep(FIRST)
    full = OSError(errno.ENOSPC, "No space left on device")
    with monkeypatch.context() as patch:
        patch.setattr("ota.spore.state_file.os.fsync", lambda fd: (_ for _ in ()).throw(full))
        held = kept.keep(SECOND)
        fault = kept.fault

    assert (held, kept.load()[0]) == (False, FIRST)
    assert "No space left on device" in fault
    assert kept.keep(SECOND)
    assert (kept.fault, kept.load()[0]) == ("", SECOND)
