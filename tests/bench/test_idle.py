import os

import psutil

from bench.idle import watch_idle


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
