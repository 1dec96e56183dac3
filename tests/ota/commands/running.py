"""Subcommands of `ota` in this process: as their parsers would run them, or as the command does."""

import argparse
import importlib
import json
from dataclasses import replace

import pytest
from django.core.management import call_command


def run(name: str, *arguments: str) -> int:
    """The exit code; what it printed is on stdout."""
    module = importlib.import_module(f"ota.commands.{name}")
    parser = argparse.ArgumentParser()
    module.add_arguments(parser)
    return module.run(vars(parser.parse_args([str(each) for each in arguments])))


class Ota:
    """Runs verbs, and tells what they said."""

    def __init__(self, capsys, settings):
        self._capsys, self._settings = capsys, settings

    def use(self, data):
        """Another machine."""
        self._settings.HIVE = replace(self._settings.HIVE, data=data)

    def __call__(self, *words):
        """Exit code, stdout, stderr."""
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            call_command("ota", *map(str, words))
        said = self._capsys.readouterr()
        return end.value.code, said.out, said.err

    def json(self, *words):
        code, out, err = self(*words, "--json")
        assert (code, err) == (0, "")
        return json.loads(out)
