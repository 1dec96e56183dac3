"""What a Spore remembers of what it began."""

import os
import time

import pytest

from jobs.spore import begun
from jobs.spore.begun import KEPT_SECONDS, Begun
from jobs.wire import Bundle


def bundle(id_: str, *, idempotent: bool = False) -> Bundle:
    fields = {"job": "j", "stop_token": "s", "task": "t", "total": 1, "timeout": 1.0, "first": 1}
    fields |= {"kwargs": {}, "items": [], "gpus": (), "expires": 0.0}
    return Bundle(id=id_, idempotent=idempotent, **fields)


def test_each_start_begins_a_bundle_once(tmp_path):
    Begun(tmp_path / "begun").check(bundle("a"), "born-1")
    Begun(tmp_path / "begun").check(bundle("a"), "born-2")
    Begun(tmp_path / "begun").check(bundle("b"), "born-1")

    with pytest.raises(ValueError, match="begun before"):
        Begun(tmp_path / "begun").check(bundle("a"), "born-1")


def test_nothing_is_written_down_of_what_may_run_twice(tmp_path):
    Begun(tmp_path / "begun").check(bundle("a", idempotent=True), "born-1")

    assert list(tmp_path.iterdir()) == []


def test_what_cannot_come_again_is_forgotten(tmp_path, monkeypatch):
    monkeypatch.setattr(begun, "TIDY_AFTER", 2)
    memory = Begun(tmp_path)
    memory.check(bundle("old"), "born-1")
    long_ago = time.time() - KEPT_SECONDS - 1
    os.utime(tmp_path / "born-1.old", (long_ago, long_ago))

    memory.check(bundle("new"), "born-1")

    assert [path.name for path in tmp_path.iterdir()] == ["born-1.new"]


def test_without_a_disk_work_goes_on(tmp_path):
    (tmp_path / "file").touch()

    Begun(tmp_path / "file" / "begun").check(bundle("a"), "born-1")
