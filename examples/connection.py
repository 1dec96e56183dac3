"""How the examples find a Hive, and how they tell what went wrong."""

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jobs.client import Hive, HiveError, Job, JobFailed

#: `hive up` leaves it, with the address and a key that may do everything.
READY = Path("run") / "ready.json"


def find_hive(nexus: str | None = None) -> tuple[str, str]:
    """Address and key: those given, those of the environment, or those of the `hive up` beside."""
    ready = Path(os.environ.get("HIVE_DATA_DIR", "var")) / READY
    left = json.loads(ready.read_text()) if ready.exists() else {}
    url = nexus or os.environ.get("HIVE_NEXUS_URL") or left.get("nexus", "")
    key = os.environ.get("HIVE_API_KEY") or left.get("api_key", "")
    if not (url and key):
        way = "start one with `hive up`, or set HIVE_NEXUS_URL and HIVE_API_KEY"
        sys.exit(f"there is no Hive here: {way}")
    return url, key


def run(parser: argparse.ArgumentParser, main: Callable[[Hive, argparse.Namespace], int]) -> None:
    """Read the command line, do it, and exit; what went wrong is told in a line."""
    parser.add_argument("--nexus", metavar="URL", help="where the Nexus answers")
    options = parser.parse_args()
    try:
        sys.exit(main(Hive(*find_hive(options.nexus)), options))
    except (HiveError, JobFailed, OSError) as error:  # Unreachable and TimeoutError are OSErrors
        sys.exit(f"{parser.prog}: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


def follow(hive: Hive, job: Job, *, items: int, seconds: float) -> list[dict[str, Any]]:
    """The rows of a job's items in their order; a line for each as soon as it is there."""
    rows = []
    for row in hive.as_completed(job, timeout=seconds):
        if row["index"] < items:  # behind the last item comes the reduction
            rows.append(row)
            where = f" on {row['node']}" if row["node"] else ""
            print(
                f"  {len(rows)} of {items}: item {row['index']} {row['state']}{where}", flush=True
            )
    return sorted(rows, key=lambda row: row["index"])
