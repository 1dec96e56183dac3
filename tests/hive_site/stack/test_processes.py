import os
import signal
import subprocess
import time
from threading import Event

import pytest

from hive_site.kernel.errors import HiveError
from hive_site.stack.processes import Child, Interrupted, run_to_end, stop_all
from tests.hive_site.stack.cast import PATIENCE, play, survivors

pytestmark = pytest.mark.processes


def until(condition):
    give_up_at = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < give_up_at, "it never came true"


def test_a_child_cannot_be_reached_by_the_ctrl_c_of_its_parent(tmp_path):
    child = Child(play("stubborn", "stubborn"), logs=tmp_path)

    assert os.getsid(child.pid) == child.pid != os.getsid(0)
    child.kill()


def test_who_ignores_the_request_to_stop_is_killed_at_the_end_of_patience(tmp_path):
    child = Child(play("stubborn", "stubborn"), logs=tmp_path)
    until(lambda: "ready" in child.said())

    stop_all([child], patience=0.1)

    assert child.end == "SIGKILL"


def test_a_hurry_ends_all_patience(tmp_path):
    child = Child(play("stubborn", "stubborn"), logs=tmp_path)
    until(lambda: "ready" in child.said())
    hurry = Event()
    hurry.set()

    stop_all([child], patience=1e9, hurry=hurry)

    assert child.end == "SIGKILL"


def test_stopping_who_has_ended_changes_nothing(tmp_path):
    child = Child(play("broken", "broken"), logs=tmp_path)
    until(lambda: not child.alive)

    stop_all([child], patience=PATIENCE)

    assert child.end == "exit code 1"


def test_last_words_are_those_of_this_start_only(tmp_path):
    (tmp_path / "broken.log").write_text("words of an earlier life\n")
    child = Child(play("broken", "broken"), logs=tmp_path)
    until(lambda: not child.alive)

    assert child.last_words() == "the moon is in the wrong house"
    assert "earlier life" in child.log.read_text()


def test_words_that_come_before_the_parent_looks_are_heard(tmp_path, monkeypatch):
    class Hasty(subprocess.Popen):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.wait()

    monkeypatch.setattr(subprocess, "Popen", Hasty)

    child = Child(play("broken", "broken"), logs=tmp_path)

    assert child.last_words() == "the moon is in the wrong house"


def test_what_a_short_child_prints_is_returned(tmp_path):
    printed = run_to_end(play("prepare", "prepare"), logs=tmp_path, timeout=PATIENCE, stop=Event())

    assert "hive_test" in printed


def test_a_short_child_that_takes_too_long_is_ended(tmp_path):
    with pytest.raises(HiveError, match="stubborn took over 0 s"):
        run_to_end(play("stubborn", "stubborn"), logs=tmp_path, timeout=0, stop=Event())


def test_a_short_child_does_not_hold_up_an_interruption(tmp_path):
    stop = Event()
    stop.set()

    with pytest.raises(Interrupted):
        run_to_end(play("stubborn", "stubborn"), logs=tmp_path, timeout=1e9, stop=stop)


def test_a_kill_takes_the_whole_group_along(tmp_path):
    recipe = play("family")
    shell = type(recipe)(
        name="family", argv=["sh", "-c", "sleep 300 & echo $!; wait"], env=os.environ
    )
    child = Child(shell, logs=tmp_path)
    until(lambda: child.said().strip())
    grandchild = int(child.said())

    child.kill()

    assert child.end == signal.SIGKILL.name
    assert survivors([grandchild]) == []
