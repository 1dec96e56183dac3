"""Run work on a leased GPU; on a cluster without one, show what the Hive says of it."""

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # the project

from examples.connection import run
from jobs.client import Hive, Job

LOOK_EVERY_SECONDS = 0.5


def main(hive: Hive, options: argparse.Namespace) -> int:
    """The results, or why there are none: both are an answer."""
    job = hive.submit("gpu_task.multiply", options.rows)
    if why := wait_for_start(job, seconds=options.patience):
        job.cancel()
        print(f"nothing ran: {why}")
        print("Start a Spore on a machine with a GPU, and it goes there by itself.")
        return 0
    for row in hive.as_completed(job, timeout=options.timeout):
        if row["error"]:
            print(f"  {row['node']}: {row['error']['message']}")
        else:
            told = row["result"]
            print(
                f"  {told['rows']} rows on {row['node']}, GPU {told['visible']}: {told['device']}"
            )
    print(f"{job.refresh()['state']}, {job['progress']['succeeded']} of {len(options.rows)}")
    return 0 if job["state"] == "succeeded" else 1


def wait_for_start(job: Job, *, seconds: float) -> str:
    """Empty as soon as something of the job has run; why it waits, if nothing does in time."""
    give_up_at = time.monotonic() + seconds
    said = ""
    while True:
        progress = job.refresh()["progress"]
        if job.ended or progress["waiting"] < progress["total"]:
            return ""
        if job["waiting_for"] and job["waiting_for"] != said:
            said = job["waiting_for"]
            print(f"  it waits: {said}", flush=True)
        if time.monotonic() > give_up_at:
            return said or "it waits, and nobody says for what"
        time.sleep(LOOK_EVERY_SECONDS)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="*", type=int, default=[1000, 2000], metavar="ROWS")
    parser.add_argument("--patience", type=float, default=10, metavar="SECONDS", help="for a GPU")
    parser.add_argument("--timeout", type=float, default=300, metavar="SECONDS")
    run(parser, main)
