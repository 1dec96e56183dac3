"""An operator's programs: what they are told, and what becomes of those that fail."""

import json

import pytest

from hive_site.kernel.envelope import node_key
from nodes.autoscaling.ports import ProviderError
from nodes.domain.scaling_machines import Instance
from tests.nodes.autoscaling.providers.conftest import Ground, settings_of
from tests.nodes.cast import FLEET_KEY


def test_a_program_is_told_everything_on_its_standard_input(command):
    command.open().start(["cpu-1"])

    told = json.loads((command.folder / "cpu" / "cpu-1").read_text())
    assert told == {
        **{"cluster": "hive", "pool": "cpu", "slots": 2, "capabilities": []},
        "labels": {"pool": "cpu"},
        "nodes": [told["node"]],
        "node": {
            "name": "cpu-1",
            "env": {
                "HIVE_NODE_NAME": "cpu-1",
                "HIVE_NODE_KEY": node_key(FLEET_KEY, "cpu-1").hex(),
            },
        },
    }


@pytest.mark.parametrize("call", ["list", "start", "stop"])
def test_a_program_that_fails_is_told_with_its_last_words(command, call):
    (command.folder / "broken").touch()
    provider = command.open()
    arguments = {"list": [], "start": [["cpu-1"]], "stop": [Instance("1", "a", 0)]}[call]

    with pytest.raises(ProviderError, match=f"{call} ended with 1: no quota is left"):
        getattr(provider, call)(*arguments)


@pytest.mark.parametrize("said", ["", "[]", "{}", '{"instances": [{"id": 1}]}', "[" * 10_000])
def test_what_is_no_list_is_told_with_the_shape_that_is_wanted(command, said):
    (command.folder / "odd").write_text(said)

    with pytest.raises(ProviderError, match=r'list did not say \{"instances": '):
        command.open().list()


def test_a_name_that_no_node_can_have_is_refused(command):
    (command.folder / "odd").write_text(
        '{"instances": [{"id": "1", "node": "../x", "started_at": 0}]}'
    )

    with pytest.raises(ProviderError, match=r"'\.\./x' is no name of a node"):
        command.open().list()


def test_a_program_that_talks_without_end_is_ended(command):
    (command.folder / "talkative").touch()

    with pytest.raises(ProviderError, match="list said more than 1048576 bytes"):
        command.open().list()


def test_a_program_that_takes_too_long_is_ended(tmp_path):
    options = 'list = ["sleep", "60"]\nstart = ["true"]\nstop = ["true"]\ntimeout_seconds = 1'
    provider = Ground(settings_of("command", options), tmp_path).open()

    with pytest.raises(ProviderError, match="list took over 1 s"):
        provider.list()


def test_a_program_that_is_not_there_is_told(tmp_path):
    options = 'list = ["/no/such"]\nstart = ["true"]\nstop = ["true"]'
    provider = Ground(settings_of("command", options), tmp_path).open()

    with pytest.raises(ProviderError, match="list: /no/such: No such file or directory"):
        provider.list()
