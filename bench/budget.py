"""`python -m bench.budget`: which process pays what for a subtask, and what Redis is asked for.

CPU in microseconds, of all processes of a Hive with five Spores of one slot, on no-ops: many of
one job in bundles, the same one by one, and one job after the other. What idle processes use
meanwhile is in it, as it is in everybody's bill.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from redis import Redis
from rich.console import Console
from rich.table import Table

from bench.contenders import Setting
from bench.hive import Hive
from bench.method import weather
from bench.world import World, open_world
from hive_site.kernel.errors import HiveError

PROCESSES = ("client", "foreman", "spores", "redis")
#: So many of Redis's commands are shown, those that are used most.
SHOWN_COMMANDS = 12


@dataclass(frozen=True, slots=True)
class Shape:
    """One way of having no-ops done."""

    title: str
    setting: Setting
    items: int
    run: Callable[[Hive, int], object]


SHAPES = (
    Shape("a job of {:,}, in bundles", Setting(), 20_000, lambda h, n: h.run_all("noop", [1] * n)),
    Shape(
        "a job of {:,}, one item per bundle",
        Setting(bundle_seconds=0),
        10_000,
        lambda h, n: h.run_all("noop", [1] * n),
    ),
    Shape("{:,} jobs, one at a time", Setting(), 500, lambda h, n: h.run_trips("noop", [1] * n)),
)


@dataclass(frozen=True, slots=True)
class Bill:
    """What one subtask costs: microseconds by process, commands by name."""

    title: str
    micros: dict[str, float]
    commands: dict[str, float]


def measure(world: World, shape: Shape, items: int) -> Bill:
    """Run one shape and see who pays. Raises `HiveError`."""
    hive = world.contenders[0]
    assert isinstance(hive, Hive)
    with hive.turn(shape.setting):
        shape.run(hive, max(items // 10, 1))
        asked, used = _commands(world.redis), hive.cpu_by_process()
        shape.run(hive, items)
        spent, told = hive.cpu_by_process(), _commands(world.redis)
    micros = {name: 1e6 * (spent[name] - used[name]) / items for name in PROCESSES}
    calls = {name: (count - asked.get(name, 0)) / items for name, count in told.items()}
    return Bill(shape.title.format(items), micros, {k: v for k, v in calls.items() if v > 0})


def _commands(client: Redis) -> dict[str, int]:
    told = client.info("commandstats")
    return {name.removeprefix("cmdstat_"): row["calls"] for name, row in told.items()}


def print_tables(console: Console, bills: Sequence[Bill]) -> None:
    """For people."""
    for bill in bills:
        table = Table("", "per subtask", title=bill.title, title_justify="left", box=None)
        for name in PROCESSES:
            table.add_row(f"{name}, CPU", f"{bill.micros[name]:.1f} µs")
        table.add_row("all of them", f"{sum(bill.micros.values()):.1f} µs")
        often = sorted(bill.commands.items(), key=lambda pair: -pair[1])[:SHOWN_COMMANDS]
        for name, count in often:
            table.add_row(f"Redis: {name}", f"{count:.3f}")
        console.print(table)


def main(argv: Sequence[str]) -> int:
    """0 if everything was run."""
    parser = argparse.ArgumentParser(prog="bench.budget", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--quick", action="store_true", help="a tenth of everything")
    arguments = parser.parse_args(argv)
    about, share = weather(), 10 if arguments.quick else 1
    try:
        with open_world({}) as world:
            bills = [measure(world, shape, shape.items // share) for shape in SHAPES]
    except HiveError as fact:
        sys.stderr.write(f"bench: {fact}\n")
        return 1
    if arguments.json:
        rows = [{"shape": b.title, "cpu_us": b.micros, "commands": b.commands} for b in bills]
        print(json.dumps({"before": about, "bills": rows}, indent=2, ensure_ascii=False))
    else:
        # A file has no width of its own.
        width = None if sys.stdout.isatty() else 100
        print_tables(Console(highlight=False, width=width), bills)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
