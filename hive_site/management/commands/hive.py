"""`manage.py hive …`: finds the subcommand; turns what went wrong into a line and an exit code."""

import importlib
import os
import sys
from importlib.util import find_spec
from types import ModuleType
from typing import Any, NoReturn

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError
from redis.exceptions import RedisError

from hive_site.commands.data_dir import add_data_dir
from hive_site.kernel.errors import HiveError, Invalid

FAILURE, WRONG_USE = 1, 2
#: In the order in which `--help` lists them.
SUBCOMMANDS = (
    *("up", "demo", "status", "check", "doctor", "submit", "workflow", "cancel", "retry", "key"),
    *("broadcast", "webhook-secret", "openapi", "mcp", "prune"),
    *("invite", "join", "stack", "prepare", "login-link"),
)


def find_module(subcommand: str) -> ModuleType | None:
    """The module of a subcommand; None if this installation has none."""
    name = f"hive_site.commands.{subcommand.replace('-', '_')}"
    return importlib.import_module(name) if find_spec(name) else None


def explain(error: Exception) -> tuple[str, int]:
    """What to tell people about an error, and the exit code (CONTRACT §2)."""
    match error:
        case Invalid() | ImproperlyConfigured():
            return str(error), WRONG_USE
        case HiveError():
            return str(error), FAILURE
        case RedisError():
            way = "is it running? `hive up` starts one, REDIS_URL names another"
            return f"Redis: {error}; {way}", FAILURE
        case DatabaseError():
            way = "`manage.py migrate` or `hive up` prepares it, DATABASE_URL names another"
            # PostgreSQL goes on to quote the statement.
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            return f"database: {reason}; {way}", FAILURE
        case _:
            return f"{error}; `hive doctor` looks for the cause", FAILURE


class BriefParser(CommandParser):
    """Says what is wrong in one line; `--help` has the rest."""

    def error(self, message: str) -> NoReturn:
        """Exit for wrong use."""
        self.exit(WRONG_USE, f"{self.prog}: {message}; {self.prog} --help shows what there is\n")


class Command(BaseCommand):
    """The Hive's own commands."""

    help = "Start, watch and use the Hive."
    # `hive up` must run before there is a database, and `doctor` in spite of anything.
    requires_system_checks: list[str] = []
    # They work, but nobody who asks for help on the Hive wants to read of them.
    suppressed_base_arguments = {
        *("--version", "--verbosity", "--settings", "--pythonpath"),
        *("--traceback", "--no-color", "--force-color"),
    }

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Django's parser, with our way of saying what is wrong."""
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.__class__ = BriefParser
        return parser

    def add_arguments(self, parser: CommandParser) -> None:
        """One parser for each subcommand that is installed."""
        shelf = parser.add_subparsers(
            dest="subcommand", required=True, metavar="COMMAND", parser_class=BriefParser
        )
        for name in SUBCOMMANDS:
            module = find_module(name)
            if module is None:
                continue
            # argparse lists what has a help text, and only that.
            listed = {} if module.HELP == "==SUPPRESS==" else {"help": module.HELP}
            subparser = shelf.add_parser(name, **listed)
            module.add_arguments(subparser)
            add_data_dir(subparser, name)

    def handle(self, *args: object, subcommand: str, **options: Any) -> None:
        """Run the subcommand and exit with its code."""
        module = find_module(subcommand)
        if module is None:
            raise AssertionError(f"{subcommand} was parsed but is not there")
        try:
            code = module.run(options)
        except BrokenPipeError:
            # The reader had enough (`| head`); Python must not complain about it at the end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            code = 0
        except KeyboardInterrupt:
            code = 130
        except (HiveError, ImproperlyConfigured, RedisError, DatabaseError, OSError) as error:
            message, code = explain(error)
            print(f"hive {subcommand}: {message}", file=sys.stderr)
        sys.exit(code)
