"""What a launcher says is like what all others say."""

import json
import subprocess
import sys

import pytest

SCRIPT = """
from ota.spore.log import start_log, tell
start_log("launcher", form={form!r})
tell("launcher.starts", node="gpu-1", why='it is "new"')
"""


def said(form: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(form=form)], capture_output=True, text=True, check=True
    )
    return ran.stderr


def test_a_line_for_people():
    assert said("line").endswith(
        ' launcher INFO event=launcher.starts node=gpu-1 why="it is "new""\n'
    )


def test_an_object_for_programs():
    told = json.loads(said("json"))

    assert told.pop("timestamp").endswith("Z")
    assert told == {
        **{"level": "info", "process": "launcher", "event": "launcher.starts"},
        **{"node": "gpu-1", "why": 'it is "new"'},
    }


@pytest.mark.parametrize("form", ["line", "json"])
def test_both_are_one_line(form):
    assert said(form).count("\n") == 1
