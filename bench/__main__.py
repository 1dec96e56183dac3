"""`python -m bench`: start a world of its own, measure, print, leave nothing behind."""

import argparse
import json
import signal
import sys
from types import FrameType
from typing import Any

from rich.console import Console

from bench.arguments import read_arguments
from bench.contenders import USUAL
from bench.environments import install
from bench.method import describe_method, weather
from bench.race import race
from bench.report import as_document, print_report
from bench.workloads import pick
from bench.world import open_world
from hive_site.kernel.errors import HiveError

FILE_WIDTH = 160


def main(argv: list[str]) -> int:
    """0 if every workload completed on every side, however long it took; 1 if not."""
    arguments = read_arguments(argv)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        document = _measure(arguments)
    except HiveError as fact:
        sys.stderr.write(f"bench: {fact}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    text = json.dumps(document, indent=2, ensure_ascii=False)
    if arguments.out:
        arguments.out.write_text(f"{text}\n")
    if arguments.json:
        print(text)
    else:
        # A file has no width of its own.
        width = None if sys.stdout.isatty() else FILE_WIDTH
        print_report(Console(highlight=False, width=width), document)
    return 1 if document["failures"] else 0


def _measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """The document of a run. Peers that cannot be installed are among its failures."""
    narrator = Console(stderr=True, highlight=False)
    with narrator.status("starting") as status:
        programs, missing = install(
            (peer.environment for peer in arguments.peers), say=status.update
        )
        before = weather()
        peers = {p: programs[p.environment] for p in arguments.peers if p.environment in programs}
        with open_world(peers) as world:
            how = {"repeats": arguments.repeat, "quick": arguments.quick}
            method = describe_method(world.redis, peers, workers=USUAL.slots, **how)
            heats = pick(arguments.names)
            outcome = race(heats, world.contenders, **how, say=status.update)
    outcome.failures += missing.values()
    return as_document(outcome, world.contenders, {**method, **before})


def _interrupt(signum: int, frame: FrameType | None) -> None:
    """SIGTERM ends a run as Ctrl-C does: by the way out of every `with`."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
