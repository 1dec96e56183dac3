import json
import os
import signal
from itertools import repeat

import pytest

from hive_site.kernel.errors import HiveError, Invalid
from tests.hive_site.stack.cast import stage

pytestmark = pytest.mark.processes


@pytest.fixture
def note(tmp_path):
    """A ready file that a killed Hive left behind."""
    path = tmp_path / "ready.json"
    path.write_text("of an earlier life")
    return path


def test_a_ready_file_is_there_exactly_while_everything_runs(tmp_path, note):
    with stage(tmp_path, ready_files=(note,)) as stack:
        assert json.loads(note.read_text()) == stack.ready

    assert not note.exists()


def test_a_start_that_fails_leaves_no_old_ready_file(tmp_path, note):
    with pytest.raises(HiveError):
        stage(tmp_path, sick="foreman", ready_files=(note,)).start()

    assert not note.exists()


def test_a_second_stack_leaves_the_ready_file_of_the_first_alone(tmp_path, note):
    with stage(tmp_path, ready_files=(note,)) as first:
        with pytest.raises(Invalid):
            stage(tmp_path, ready_files=(note,)).start()

        assert json.loads(note.read_text()) == first.ready


def test_a_ready_file_names_the_process_that_was_started_again(tmp_path, note):
    with stage(tmp_path, ready_files=(note,)) as stack:
        killed = stack.ready["pids"]["spores"]["spore-1"]
        os.kill(killed, signal.SIGKILL)
        for _ in repeat(None):
            if stack.mind(restart=True)[1]:
                break

        assert json.loads(note.read_text())["pids"]["spores"]["spore-1"] != killed
