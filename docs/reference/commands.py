"""Every command with its options, from the parsers that read them."""

import argparse
from argparse import Action, ArgumentParser
from collections.abc import Iterator
from importlib import import_module

from django.core.management.base import BaseCommand

HEAD = """\
# Commands

Written by `make reference` from the commands themselves; `--help` after any of them says the same.

Each is `python manage.py …`, with the Python of the project's environment. Errors are a line or
two on stderr with the way out; the exit code is 2 for wrong use and 1 for failure. `--json` prints
one JSON document on stdout. All verbs of `hive` (but `broadcast`) and `ota` also take `--data DIR`,
the data directory (`HIVE_DATA_DIR`, else `var`).
"""
#: The programs, where their commands are, and what is said of them first.
PROGRAMS = {
    "hive": "hive_site.management.commands.hive",
    "ota": "hive_site.management.commands.ota",
    "foreman": "nodes.management.commands.foreman",
    "rqworker": "hive_site.management.commands.rqworker",
}
#: Django's own, the same for every command of every project.
DJANGO = {
    *("help", "version", "settings", "pythonpath", "traceback", "no_color", "force_color"),
    *("verbosity", "skip_checks"),
}
#: Taken by so many commands that the head of the page tells it.
DATA = (["--data"], "DIR")


def draw_commands() -> str:
    """The page of commands."""
    return "\n".join([HEAD, *(_draw(name, parser, about) for name, parser, about in parsers())])


def parsers() -> Iterator[tuple[str, ArgumentParser, str]]:
    """Every command that people call, its parser, and what it does."""
    for program, module in PROGRAMS.items():
        command: BaseCommand = import_module(module).Command()
        parser = command.create_parser("manage.py", program)
        yield from _spread(program, parser, command.help)


def options_of(parser: ArgumentParser) -> list[Action]:
    """What a command takes."""
    # What is ours comes before what django-rq's worker takes.
    groups = sorted(parser._action_groups, key=lambda group: group.title != "Spore")
    return [
        action
        for group in groups
        for action in group._group_actions
        if action.dest not in DJANGO
        and action.help != argparse.SUPPRESS
        and (action.option_strings, action.metavar) != DATA
    ]


def _spread(
    name: str, parser: ArgumentParser, about: str
) -> Iterator[tuple[str, ArgumentParser, str]]:
    """A command, or each of its verbs that `--help` lists."""
    shelves = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    if not shelves:
        yield name, parser, about
    for shelf in shelves:
        for listed in shelf._choices_actions:
            yield from _spread(f"{name} {listed.dest}", shelf.choices[listed.dest], listed.help)


def _draw(name: str, parser: ArgumentParser, about: str) -> str:
    words = [_value(a) for a in parser._actions if not a.option_strings and a.dest not in DJANGO]
    synopsis = " ".join(["python manage.py", name, *words])
    rows = [_row(parser, action) for action in options_of(parser)]
    table = ["| | default | |", "|---|---|---|", *rows, ""] if rows else []
    sentence = about[:1].upper() + about[1:].rstrip(".") + "."
    return "\n".join([f"## {name}", "", sentence, "", "```", synopsis, "```", "", *table])


def _row(parser: ArgumentParser, action: Action) -> str:
    shown = ", ".join(f"{flag} {_value(action)}".strip() for flag in action.option_strings)
    plain = action.default in (None, False, "", argparse.SUPPRESS) or action.default == []
    default = "" if plain or not action.option_strings else f"`{action.default}`"
    default = "*needed*" if action.required and action.option_strings else default
    cells = [f"`{shown or _value(action)}`", default, _help(parser, action)]
    return f"| {' | '.join(map(_cell, cells))} |"


def _value(action: Action) -> str:
    """What stands for the value of an argument; empty if it takes none."""
    if action.option_strings and action.nargs == 0:
        return ""
    choices = "|".join(map(str, action.choices or ()))
    usual = action.dest.upper() if action.option_strings else action.dest
    name = action.metavar if isinstance(action.metavar, str) else choices or usual
    return f"[{name} …]" if action.nargs == "*" else f"[{name}]" if action.nargs == "?" else name


def _help(parser: ArgumentParser, action: Action) -> str:
    text = parser._get_formatter()._expand_help(action) if action.help else ""
    return " ".join(text.split())


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
