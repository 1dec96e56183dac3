"""What `manage.py hive …` and `manage.py ota …` have in common: finds the module of a verb, and
turns what went wrong into a line and an exit code.
"""

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

FAILURE, WRONG_USE, INTERRUPTED = 1, 2, 130
#: What SQLite says to who waited too long for its turn.
LOCKED = "database is locked"


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
            # PostgreSQL goes on to quote the statement.
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            way = "`manage.py migrate` or `hive up` prepares it, DATABASE_URL names another"
            if reason == LOCKED:
                way = "another program kept writing to it for 20 s; try again"
            return f"database: {reason}; {way}", FAILURE
        case _:
            return f"{error}; `hive doctor` looks for the cause", FAILURE


class BriefParser(CommandParser):
    """Says what is wrong in one line; `--help` has the rest."""

    def error(self, message: str) -> NoReturn:
        """Exit for wrong use."""
        self.exit(WRONG_USE, f"{self.prog}: {message}; {self.prog} --help shows what there is\n")


class Dispatcher(BaseCommand):
    """A command of many verbs, each a module with HELP, `add_arguments` and `run`."""

    #: What it is called, where its verbs are, and which, in the order in which `--help` lists them.
    program: str
    package: str
    verbs: tuple[str, ...]
    metavar = "COMMAND"
    #: What is told in a line; anything else is a fault of ours.
    told: tuple[type[Exception], ...] = (
        *(HiveError, ImproperlyConfigured, RedisError, DatabaseError, OSError),
    )
    # `hive up` must run before there is a database, and `doctor` in spite of anything.
    requires_system_checks: list[str] = []
    # They work, but nobody who asks for help on the Hive wants to read of them.
    suppressed_base_arguments = {
        *("--version", "--verbosity", "--settings", "--pythonpath"),
        *("--traceback", "--no-color", "--force-color"),
    }

    def find_module(self, verb: str) -> ModuleType | None:
        """The module of a verb; None if this installation has none."""
        name = f"{self.package}.{verb.replace('-', '_')}"
        return importlib.import_module(name) if find_spec(name) else None

    def explain(self, error: Exception) -> tuple[str, int]:
        """What to tell people about an error, and the exit code."""
        return explain(error)

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Django's parser, with our way of saying what is wrong."""
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.__class__ = BriefParser
        return parser

    def add_arguments(self, parser: CommandParser) -> None:
        """One parser for each verb that is installed."""
        shelf = parser.add_subparsers(
            dest="verb", required=True, metavar=self.metavar, parser_class=BriefParser
        )
        for verb in self.verbs:
            module = self.find_module(verb)
            if module is None:
                continue
            # argparse lists what has a help text, and only that.
            listed = {} if module.HELP == "==SUPPRESS==" else {"help": module.HELP}
            subparser = shelf.add_parser(verb, **listed)
            module.add_arguments(subparser)
            add_data_dir(subparser, verb)

    def handle(self, *args: object, verb: str, **options: Any) -> None:
        """Run the verb and exit with its code."""
        module = self.find_module(verb)
        if module is None:
            raise AssertionError(f"{verb} was parsed but is not there")
        try:
            code = module.run(options)
            sys.stdout.flush()
        except BrokenPipeError:
            # The reader had enough (`| head`); Python must not complain about it at the end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            code = 0
        except KeyboardInterrupt:
            code = INTERRUPTED
        except self.told as error:
            message, code = self.explain(error)
            sys.stderr.write(f"{self.program} {verb}: {message}\n")
        sys.exit(code)
