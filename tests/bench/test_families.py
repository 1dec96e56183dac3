import subprocess
import sys

import psutil
import pytest

from bench.families import end, family, spent

#: A parent with a child; both say that they are there and wait to be told to end.
NEST = """
import subprocess, sys
child = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def parent():
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", NEST], stdin=pipe, stdout=pipe) as parent:
        assert parent.stdout.readline() == b"ready\n"
        yield parent
        parent.kill()


def test_a_family_is_a_process_with_its_children(parent):
    assert len(family([parent.pid])) == 2


def test_who_is_gone_has_no_family():
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()

    assert family([gone.pid]) == []
    assert spent([gone.pid]) == 0


def test_children_that_have_ended_are_counted(parent):
    before = spent([psutil.Process().pid])
    subprocess.run([sys.executable, "-c", "sum(range(5_000_000))"], check=True)

    assert spent([psutil.Process().pid]) > before


def test_what_a_parent_leaves_behind_is_ended(parent):
    _, child = everybody = family([parent.pid])
    parent.kill()
    parent.wait()

    end(everybody)

    psutil.wait_procs([child], timeout=10)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
