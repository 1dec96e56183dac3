"""`python -m bench.footprint`: what a Hive costs that has nothing to do, memory and CPU.

A stack as `hive up` starts it, each Spore with its launcher: once with one slot, once with eight.
The memory of a Spore is compared as what its processes hold, added up (RSS); pages that they share
count in each of them. Beside it stands PSS, in which such pages are split among all who share them.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.idle import Cost, watch_each
from bench.method import weather
from bench.world import own_environment
from hive_site.kernel.errors import HiveError
from hive_site.stack.stack import Stack

SLOTS = 8
#: So long after everything runs, whatever belongs to the start is over.
SETTLE_SECONDS, WATCH_SECONDS = 10.0, 30.0


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. It is fine below its goal, and may not pass its floor; 0: it has none."""

    key: str
    title: str
    unit: str
    goal: float = 0.0
    floor: float = 0.0

    def verdict(self, value: float) -> str:
        """✓ for the goal, · for the floor, ✗ for neither; empty if there is none."""
        if not self.floor:
            return ""
        return "✓" if value <= self.goal else "·" if value <= self.floor else "✗"


ROWS = (
    Row("spore_rss_mb", "Spore with one slot: RSS, added up", "MB", 90, 120),
    Row("spore_pss_mb", "  shared pages split (PSS)", "MB"),
    Row("slot_pss_mb", f"each further slot, of {SLOTS}: PSS", "MB", 25, 40),
    Row("foreman_cpu", "idle Foreman: CPU", "%", 1, 3),
    Row("nexus_cpu", "idle Nexus: CPU", "%", 0.5, 1),
    Row("spore_cpu", "idle Spore: CPU", "%", 0.5, 1),
)


def measure(folder: Path, seconds: float) -> dict[str, float]:
    """All figures, by their keys; the CPU over so many seconds. Raises `HiveError`."""
    spore, foreman, nexus = _watch(folder / "one", slots=1, seconds=seconds)
    many, *_ = _watch(folder / "many", slots=SLOTS, seconds=0)
    return {
        "spore_rss_mb": spore.memory,
        "spore_pss_mb": spore.pss,
        "slot_pss_mb": (many.pss - spore.pss) / (SLOTS - 1),
        "foreman_cpu": foreman.cpu,
        "nexus_cpu": nexus.cpu,
        "spore_cpu": spore.cpu,
    }


def _watch(data: Path, *, slots: int, seconds: float) -> list[Cost]:
    """What a Spore, the Foreman and the Nexus cost."""
    env = own_environment(os.environ, database_url="")
    with Stack(data=data, port=0, spores=1, slots=slots, env=env) as stack:
        time.sleep(SETTLE_SECONDS)
        pids = stack.ready["pids"]
        (spore,) = pids["spores"].values()
        return watch_each([spore, pids["foreman"], pids["nexus"]], seconds=seconds)


def print_table(console: Console, figures: dict[str, float], about: dict[str, float]) -> None:
    """For people."""
    table = Table("", "is", "unit", "goal", "floor", "", box=None, pad_edge=False)
    for row in ROWS:
        value = figures[row.key]
        bounds = (f"{row.goal:g}", f"{row.floor:g}") if row.floor else ("", "")
        table.add_row(row.title, f"{value:.2f}", row.unit, *bounds, row.verdict(value))
    console.print(table)
    console.print("before: " + ", ".join(f"{name} {value}" for name, value in about.items()))


def main(argv: Sequence[str]) -> int:
    """0 if no figure is beyond its floor."""
    parser = argparse.ArgumentParser(prog="bench.footprint", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument(
        "--seconds", type=float, default=WATCH_SECONDS, help="watch the CPU so long"
    )
    arguments = parser.parse_args(argv)
    about = weather()
    try:
        with tempfile.TemporaryDirectory(prefix="hive-bench-") as folder:
            figures = measure(Path(folder), arguments.seconds)
    except HiveError as fact:
        sys.stderr.write(f"bench: {fact}\n")
        return 1
    if arguments.json:
        rounded = {key: round(value, 2) for key, value in figures.items()}
        goals = {row.key: [row.goal, row.floor] for row in ROWS if row.floor}
        print(json.dumps({**rounded, "goals": goals, **about}))
    else:
        print_table(Console(highlight=False), figures, about)
    return 1 if any(row.verdict(figures[row.key]) == "✗" for row in ROWS) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
