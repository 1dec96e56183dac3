"""What `python -m bench` is asked for."""

import argparse
from pathlib import Path

from bench.peers.roster import ROSTER, Peer
from bench.workloads import NAMES

REPEATS = 3
PEERS = {peer.name: peer for peer in ROSTER}


def read_arguments(argv: list[str]) -> argparse.Namespace:
    """What to run; `peers` are peers, `repeat` is a number. Exits with 2 for wrong use."""
    parser = argparse.ArgumentParser(
        prog="bench",
        description="Measure the Hive and its peers in the same run."
        " DATABASE_URL names a PostgreSQL server to use instead of SQLite.",
    )
    parser.add_argument("names", nargs="*", metavar="name", help=f"some of: {', '.join(NAMES)}")
    parser.add_argument(
        "--peers", metavar="A,B", help=f"some of: {', '.join(PEERS)}; none; default all"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write it there, too")
    parser.add_argument("--quick", action="store_true", help="less of everything, once")
    parser.add_argument("--repeat", type=int, metavar="N", help=f"default {REPEATS}, quick 1")
    return _check(parser, parser.parse_args(argv))


def _check(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> argparse.Namespace:
    if unknown := set(arguments.names) - set(NAMES):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    if arguments.repeat is not None and arguments.repeat < 1:
        parser.error(f"--repeat {arguments.repeat}: give 1 or more")
    try:
        arguments.peers = pick_peers(arguments.peers)
    except KeyError as fact:
        parser.error(f"unknown peer: {fact}; there are {', '.join(PEERS)}")
    arguments.repeat = arguments.repeat or (1 if arguments.quick else REPEATS)
    return arguments


def pick_peers(text: str | None) -> list[Peer]:
    """The peers of a list with commas between; all of them for None. Raises `KeyError`."""
    if text is None:
        return list(ROSTER)
    names = [name.strip() for name in text.split(",")]
    return [] if names in (["none"], [""]) else [PEERS[name] for name in dict.fromkeys(names)]
