"""Broadcasts to 100 nodes, measured by their own command on a Redis and a database of its own."""

import json
import subprocess
import sys

from bench.contenders import Contender, Incomplete


def measure_calls(contender: Contender, rounds: int) -> dict[str, float]:
    """Milliseconds from the call until every node's answer is stored. Raises `Incomplete`."""
    argv = [sys.executable, "-m", "bench.broadcasts", "--rounds", str(rounds)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    # 1 says that the floor does not hold, which is for the report to say.
    if done.returncode not in {0, 1} or not done.stdout.startswith("{"):
        words = done.stderr.strip().splitlines() or ["it said nothing"]
        raise Incomplete(f"bench.broadcasts: {words[-1]}")
    told = json.loads(done.stdout)
    return {"p50": 1000 * told["p50_s"], "p99": 1000 * told["p99_s"]}
