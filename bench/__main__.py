"""`python -m bench`: start a world of its own, measure, print, leave nothing behind."""

import argparse
import json
import signal
import sys
from types import FrameType

from rich.console import Console

from bench.method import describe_method, weather
from bench.race import Outcome, race
from bench.report import as_document, print_table
from bench.workloads import ALL, WORKERS
from bench.world import open_world
from hive_site.kernel.errors import HiveError

REPEATS = 3
FILE_WIDTH = 110


def read_arguments(argv: list[str]) -> argparse.Namespace:
    """What to run. Exits with 2 for wrong use."""
    names = [workload.name for workload in ALL]
    parser = argparse.ArgumentParser(
        prog="bench",
        description="Measure the Hive and RQ's own worker in the same run."
        " DATABASE_URL names a PostgreSQL server to use instead of SQLite.",
    )
    parser.add_argument("names", nargs="*", metavar="name", help=f"some of: {', '.join(names)}")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--quick", action="store_true", help="less of everything, once")
    parser.add_argument("--repeat", type=int, metavar="N", help=f"default {REPEATS}, quick 1")
    arguments = parser.parse_args(argv)
    if unknown := set(arguments.names) - set(names):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    if arguments.repeat is not None and arguments.repeat < 1:
        parser.error(f"--repeat {arguments.repeat}: give 1 or more")
    return arguments


def main(argv: list[str]) -> int:
    """0 if every workload completed, however long it took; 1 if not."""
    arguments = read_arguments(argv)
    signal.signal(signal.SIGTERM, _interrupt)
    repeats = arguments.repeat or (1 if arguments.quick else REPEATS)
    wanted = [w for w in ALL if not arguments.names or w.name in arguments.names]
    narrator = Console(stderr=True, highlight=False)
    before = weather()
    try:
        with narrator.status("starting") as status, open_world(WORKERS) as world:
            method = describe_method(
                world.redis, workers=WORKERS, repeats=repeats, quick=arguments.quick
            )
            outcome = race(
                wanted,
                [world.hive, world.rq],
                repeats=repeats,
                quick=arguments.quick,
                say=status.update,
            )
    except HiveError as fact:
        sys.stderr.write(f"bench: {fact}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    _tell(outcome, {**method, **before}, as_json=arguments.json)
    return 1 if outcome.failures else 0


def _tell(outcome: Outcome, method: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(as_document(outcome, method), indent=2, ensure_ascii=False))
    else:
        # A file has no width of its own.
        width = None if sys.stdout.isatty() else FILE_WIDTH
        print_table(Console(highlight=False, width=width), outcome, method)


def _interrupt(signum: int, frame: FrameType | None) -> None:
    """SIGTERM ends a run as Ctrl-C does: by the way out of every `with`."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
