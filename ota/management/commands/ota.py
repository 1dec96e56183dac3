"""`manage.py ota …`: finds the verb; turns what went wrong into a line and an exit code."""

import importlib
import os
import sys
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError
from redis.exceptions import RedisError

from hive_site.commands.data_dir import add_data_dir
from hive_site.kernel.errors import HiveError
from hive_site.management.commands.hive import FAILURE, BriefParser, explain
from hive_site.management.commands.hive import Command as HiveCommand
from ota.domain.trust import Untrusted

#: In the order in which `--help` lists them.
VERBS = (
    *("keys", "build", "sign", "publish", "rollout", "status"),
    *("pause", "resume", "promote", "abort", "rollback", "prune"),
)
#: What is told in a line; anything else is a fault of ours.
TOLD = (HiveError, Untrusted, ImproperlyConfigured, RedisError, DatabaseError, OSError)


def find_module(verb: str) -> ModuleType | None:
    """The module of a verb; None if this installation has none."""
    name = f"ota.commands.{verb}"
    return importlib.import_module(name) if find_spec(name) else None


def tell(error: Exception) -> tuple[str, int]:
    """What to tell people about an error, and the exit code."""
    if isinstance(error, Untrusted):
        return f"not trusted ({error.code}): {error.reason}", FAILURE
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}", FAILURE
    return explain(error)


class Command(BaseCommand):
    """Updates over the air."""

    help = "Build, sign, publish and roll out releases."
    # Keys are made and packages signed on machines that have no database.
    requires_system_checks: list[str] = []
    suppressed_base_arguments = HiveCommand.suppressed_base_arguments

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Django's parser, with our way of saying what is wrong."""
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.__class__ = BriefParser
        return parser

    def add_arguments(self, parser: CommandParser) -> None:
        """One parser for each verb that is installed."""
        shelf = parser.add_subparsers(
            dest="verb", required=True, metavar="VERB", parser_class=BriefParser
        )
        for verb in VERBS:
            module = find_module(verb)
            if module is None:
                continue
            subparser = shelf.add_parser(verb, help=module.HELP)
            module.add_arguments(subparser)
            add_data_dir(subparser, verb)

    def handle(self, *args: object, verb: str, **options: Any) -> None:
        """Run the verb and exit with its code."""
        module = find_module(verb)
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
            code = 130
        except TOLD as error:
            message, code = tell(error)
            sys.stderr.write(f"ota {verb}: {message}\n")
        sys.exit(code)
