import os
import subprocess
import sys

import psutil
import pytest

from bench import idle
from bench.idle import watch_idle
from hive_site.kernel.errors import HiveError


def test_a_worker_is_its_process_with_its_children():
    me = os.getpid()

    seen = watch_idle([me], seconds=0)

    assert seen["memory"] * 1e6 >= psutil.Process(me).memory_info().rss * 0.9
    assert 0 < seen["pss"] <= seen["memory"]


def test_the_costliest_worker_counts():
    parent, child = psutil.Process().ppid(), os.getpid()

    both = watch_idle([parent, child], seconds=0)

    # The parent's family holds this process, so it is never the smaller one.
    assert both["memory"] >= watch_idle([child], seconds=0)["memory"] * 0.9


def test_a_child_that_ends_meanwhile_costs_nothing(monkeypatch):
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        monkeypatch.setattr(idle.time, "sleep", lambda seconds: child.communicate())

        seen = watch_idle([os.getpid()], seconds=1)

    assert seen["memory"] > 0


def test_a_worker_that_ended_is_told_of():
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()

    with pytest.raises(HiveError, match="ended while it had nothing to do"):
        watch_idle([gone.pid], seconds=0)
