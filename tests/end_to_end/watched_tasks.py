"""Tasks of a Hive that is watched."""

import sys
import time

from jobs import task

if sys.argv[1:2] == ["foreman"]:
    # A fault of the project that nobody foresaw: the Foreman imports its tasks, and goes on.
    raise RuntimeError("broken in the Foreman, with password=hunter22")


@task("watched.nap")
def nap(ctx, seconds):
    """Rest."""
    time.sleep(seconds)
    return seconds


@task("watched.refuse", retries=0)
def refuse(ctx, item):
    """Fail, as tasks may."""
    raise ValueError(f"no use for {item}")
