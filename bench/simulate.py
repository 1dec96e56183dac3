"""`python -m bench.simulate`: one Foreman, a thousand nodes, a hundred thousand subtasks.

The Foreman, its Redis and its database are real. The nodes are played by another process: they
beat, pop bundles and report as Spores do, and run nothing; an item of `--seconds-per-subtask` ends
when its time is over. By default that is a real cluster's moderate pace: 4,000 slots with items of
about five seconds end 800 a second. A second job of a higher priority comes when the first is
half done. At the end the nodes only beat.
"""

import argparse
import json
import signal
import sys
from types import FrameType
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.cells import number
from bench.method import weather
from bench.simulation import SLOTS, Plan, simulate
from hive_site.kernel.errors import HiveError

IDLE_SECONDS, QUICK_IDLE_SECONDS = 20.0, 8.0
#: What is measured, in which unit; the goal, the floor. Less is better, but for what has none.
ROWS: dict[str, tuple[str, str, float | None, float | None]] = {
    "loop_p50": ("Foreman's loop p50, at work", "ms", None, None),
    "loop_p99": ("Foreman's loop p99, at work", "ms", 100, 250),
    "loop_max": ("Foreman's loop, at work: never over", "ms", None, None),
    "rss": ("RSS of the Foreman, highest", "MB", 200, 300),
    "cpu": ("CPU of the Foreman, at work", "% of a core", 40, 60),
    "steps": ("steps of the loop", "/s", None, None),
    "rate": ("subtasks", "/s", None, None),
    "ideal": ("subtasks, if nothing but they took time", "/s", None, None),
    "idle_slots": ("slots without work, while work waits", "%", None, None),
    "took": ("until all had ended", "s", None, None),
    "urgent": ("until the urgent job had ended", "s", None, None),
    "idle_loop_p99": ("Foreman's loop p99, idle", "ms", 100, 250),
    "idle_cpu": ("CPU of the Foreman, idle", "% of a core", None, None),
}


def read_arguments(argv: list[str]) -> argparse.Namespace:
    """What to simulate. Exits with 2 for wrong use."""
    parser = argparse.ArgumentParser(prog="bench.simulate", description=__doc__)
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--subtasks", type=int, help="default 100,000, quick 20,000")
    parser.add_argument("--seconds-per-subtask", type=float, default=5.0, metavar="S")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--quick", action="store_true", help="less of everything")
    arguments = parser.parse_args(argv)
    arguments.subtasks = arguments.subtasks or (20_000 if arguments.quick else 100_000)
    if min(arguments.nodes, arguments.subtasks, arguments.seconds_per_subtask) <= 0:
        parser.error("--nodes, --subtasks and --seconds-per-subtask must be more than 0")
    return arguments


def main(argv: list[str]) -> int:
    """0 if every floor holds."""
    arguments = read_arguments(argv)
    idle = QUICK_IDLE_SECONDS if arguments.quick else IDLE_SECONDS
    plan = Plan(arguments.nodes, arguments.subtasks, arguments.seconds_per_subtask, idle)
    signal.signal(signal.SIGTERM, _interrupt)
    narrator, before = Console(stderr=True, highlight=False), weather()
    try:
        with narrator.status("starting") as status:
            figures = simulate(plan, status.update)
    except HiveError as fact:
        sys.stderr.write(f"bench: {fact}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    document = {"nodes": plan.nodes, "slots": plan.slots, "subtasks": plan.subtasks}
    document |= {"seconds_per_subtask": plan.seconds, **before}
    if arguments.json:
        print(json.dumps({**document, "figures": _rows(figures)}, indent=2))
    else:
        print_table(figures, document)
    return 0 if all(row["meets_floor"] is not False for row in _rows(figures)) else 1


def _rows(figures: dict[str, float]) -> list[dict[str, Any]]:
    return [
        {
            **{"figure": name, "title": title, "unit": unit, "value": round(figures[name], 3)},
            **{"goal": goal, "floor": floor},
            "meets_goal": None if goal is None else figures[name] <= goal,
            "meets_floor": None if floor is None else figures[name] <= floor,
        }
        for name, (title, unit, goal, floor) in ROWS.items()
        if name in figures
    ]


def print_table(figures: dict[str, float], document: dict[str, Any]) -> None:
    """The figures with their goals and floors."""
    table = Table(
        title=f"{document['subtasks']:,} subtasks of {document['seconds_per_subtask']:g} s on"
        f" {document['nodes']:,} nodes with {SLOTS} slots",
        title_justify="left",
    )
    table.add_column("")
    table.add_column("unit", style="dim")
    for name in ("measured", "goal", "floor"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in _rows(figures):
        cells = [_bound(row[name], row[f"meets_{name}"]) for name in ("goal", "floor")]
        table.add_row(row["title"], row["unit"], number(row["value"]), *cells)
    width = None if sys.stdout.isatty() else 100
    Console(highlight=False, width=width).print(table)


def _bound(bound: float | None, met: bool | None) -> str:
    if bound is None:
        return ""
    return f"{number(bound)} {'[green]✓[/]' if met else '[red]✗[/]'}"


def _interrupt(signum: int, frame: FrameType | None) -> None:
    """SIGTERM ends a run as Ctrl-C does: by the way out of every `with`."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
