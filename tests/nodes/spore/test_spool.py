import errno
import os
import stat

import pytest

from nodes.spore.spool import Spool


@pytest.fixture
def spool(tmp_path):
    return Spool(tmp_path / "spool")


def kept(spool) -> list[tuple[bytes, str | None]]:
    return [(each.envelope, each.done) for each in spool]


def test_a_spool_that_was_never_used_is_empty_and_makes_no_folder(spool, tmp_path):
    assert list(spool) == []
    assert not (tmp_path / "spool").exists()


def test_reports_come_back_as_they_were_in_their_order(spool):
    spool.put(b"v1.one\n\x00\xff", done=None)
    spool.put(b"v1.two", done="spore-1-ff")

    assert kept(spool) == [(b"v1.one\n\x00\xff", None), (b"v1.two", "spore-1-ff")]


def test_what_was_sent_is_gone_and_the_rest_stays(spool):
    for text in (b"one", b"two"):
        spool.put(text, done=None)

    spool.drop(next(iter(spool)))

    assert kept(spool) == [(b"two", None)]


def test_a_later_start_of_the_spore_finds_what_an_earlier_one_left(spool, tmp_path):
    spool.put(b"left", done="b")

    assert kept(Spool(tmp_path / "spool")) == [(b"left", "b")]


def test_a_file_that_was_never_finished_is_not_sent(spool, tmp_path):
    spool.put(b"whole", done=None)
    (tmp_path / "spool" / "000-1-0").write_bytes(b"\nhal")

    assert kept(spool) == [(b"whole", None)]


def test_only_the_owner_may_enter(spool, tmp_path):
    spool.put(b"x", done=None)

    assert stat.S_IMODE((tmp_path / "spool").stat().st_mode) == 0o700


def test_a_full_disk_leaves_nothing_half_written_and_says_so(spool, tmp_path, monkeypatch):
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(OSError, match="No space left"):
        spool.put(b"x", done=None)

    assert list((tmp_path / "spool").iterdir()) == []
