"""`--data DIR`: on which directory a command works. Settings depend on it, so it is read first."""

import argparse
from collections.abc import Sequence
from typing import NoReturn

FLAG = "--data"
#: The commands that mean something else by the flag.
OTHERWISE = frozenset({"broadcast"})
#: What may stand before a command and takes a value.
DJANGO_FLAGS = ("--settings", "--pythonpath", "--verbosity", "-v")


class _Reader(argparse.ArgumentParser):
    """Raises `ArgumentError` for whatever is wrong, and prints nothing."""

    def error(self, message: str) -> NoReturn:
        # `exit_on_error=False` does not do it for arguments that are missing, or cut too short.
        raise argparse.ArgumentError(None, message)


def add_data_dir(parser: argparse.ArgumentParser, command: str) -> None:
    """Let a command take a data directory, unless it means something else by the flag."""
    if command not in OTHERWISE:
        text = "database, keys, packages, logs (HIVE_DATA_DIR, else var/)"
        parser.add_argument(FLAG, metavar="DIR", help=text)


def find_data_dir(argv: Sequence[str]) -> str | None:
    """The directory that the arguments of `manage.py hive` name; None if they name none.

    What is wrong with them is left for the command's own parser to tell.
    """
    # The same kind of parser, so that `--data=DIR` and what is cut short mean the same to both.
    reader = _Reader(add_help=False, exit_on_error=False)
    for flag in DJANGO_FLAGS:
        reader.add_argument(flag)
    reader.add_argument("command")
    reader.add_argument(FLAG)
    try:
        found, _ = reader.parse_known_args(argv)
    except argparse.ArgumentError:
        return None
    return None if found.command in OTHERWISE else found.data
