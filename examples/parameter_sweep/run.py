"""Try every setting of a grid on all Spores; the best one, and all of them as CSV."""

import argparse
import csv
import sys
from itertools import product
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # the project

from examples.connection import follow, run
from jobs.client import Hive

COLUMNS = ("degree", "ridge", "error")


def main(hive: Hive, options: argparse.Namespace) -> int:
    """One subtask a setting; the same setting again is known, and takes no time."""
    grid = [{"degree": d, "ridge": r} for d, r in product(options.degrees, options.ridges)]
    print(f"{len(grid)} settings")
    wish = {"kwargs": {"seed": options.seed}, "reduce": "parameter_sweep.best"}
    job = hive.submit("parameter_sweep.score", grid, **wish)
    rows = follow(hive, job, items=len(grid), seconds=options.timeout)
    best = job.outcome(timeout=options.timeout)
    with options.out.open("w", newline="") as file:
        table = csv.DictWriter(file, COLUMNS)
        table.writeheader()
        table.writerows(row["result"] for row in rows if row["error"] is None)
    print(f"best: degree {best['degree']}, ridge {best['ridge']:g}, error {best['error']:g}")
    print(f"all of them: {options.out}")
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--degrees", type=int, nargs="+", default=[1, 2, 3, 5, 8, 12], metavar="N")
    parser.add_argument(
        "--ridges", type=float, nargs="+", default=[1e-6, 1e-3, 0.1, 1], metavar="X"
    )
    parser.add_argument("--seed", type=int, default=7, metavar="N", help="of the data (7)")
    parser.add_argument("--out", type=Path, default=Path("sweep.csv"), metavar="FILE")
    parser.add_argument("--timeout", type=float, default=120, metavar="SECONDS")
    run(parser, main)
