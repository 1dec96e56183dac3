import multiprocessing
import stat
from pathlib import Path

import pytest

from hive_site.kernel.secrets import keep_secret


def keep(path: Path, ready, answers) -> None:
    ready.wait()
    answers.put(keep_secret(path))


def test_a_secret_is_made_once_and_kept(tmp_path):
    first = keep_secret(tmp_path / "key")

    assert keep_secret(tmp_path / "key") == first == (tmp_path / "key").read_text()
    assert len(first) >= 64


def test_no_two_secrets_are_alike(tmp_path):
    assert keep_secret(tmp_path / "a") != keep_secret(tmp_path / "b")


def test_only_the_owner_can_read_it(tmp_path):
    path = tmp_path / "secrets" / "key"

    keep_secret(path)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_given_value_is_kept_unless_there_is_one_already(tmp_path):
    path = tmp_path / "key"

    assert keep_secret(path, "mine") == "mine"
    assert keep_secret(path, "another") == "mine"


def test_a_secret_that_was_written_by_hand_may_end_its_line(tmp_path):
    (tmp_path / "key").write_text("by hand\n")

    assert keep_secret(tmp_path / "key") == "by hand"


def test_whoever_comes_second_takes_the_secret_of_the_first(tmp_path, monkeypatch):
    path = tmp_path / "key"
    there = iter([False])

    def not_yet(self: Path) -> bool:
        path.write_text("of the first")  # just after we looked
        return next(there)

    monkeypatch.setattr(Path, "exists", not_yet)

    assert keep_secret(path) == "of the first"


@pytest.mark.processes
def test_processes_that_start_at_once_agree_and_leave_no_drafts(tmp_path):
    path, context = tmp_path / "key", multiprocessing.get_context("fork")
    ready, answers = context.Barrier(4), context.Queue()
    about = {"target": keep, "args": (path, ready, answers), "daemon": True}
    starts = [context.Process(**about) for _ in range(4)]
    for start in starts:
        start.start()

    kept = {answers.get(timeout=20) for _ in starts}
    for start in starts:
        start.join()

    assert kept == {path.read_text()}
    assert list(tmp_path.iterdir()) == [path]
