"""The command `ota` in this process, on a data directory of the test's own."""

import json
from dataclasses import replace

import pytest
from django.core.management import call_command


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
