import json
from io import StringIO

import pytest
from django.core.management import call_command
from rich.console import Console

from hive_site.commands.autoscale import show
from nodes import picture

POOLS = """
[pools.cpu]
provider = "process"
max = 4
slots = 2
[pools.gpu]
provider = "command"
max = 1
gpus = 2
[pools.gpu.command]
list = ["sh", "-c", "echo '{\\"instances\\": []}'"]
start = ["true"]
stop = ["true"]
"""
POOL = {
    **{"provider": "process", "min": 0, "max": 4, "wanted": 2, "ready": 1, "starting": 1},
    **{"draining": 0, "held": 0, "leaving": 0, "waiting": 7, "oldest_wait": 3.2},
    **{"reason": "7 subtasks wait [soon]", "error": "start: no [quota]"},
    "changes": [{"at": "12:00", "what": "started cpu-1", "reason": "1 subtask waits"}],
}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "pools.toml"
    path.write_text(POOLS)
    return path


def run(capsys, *argv) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        call_command("hive", "autoscale", *map(str, argv))
    said = capsys.readouterr()
    return ended.value.code, said.out, said.err


def test_a_file_that_is_right_is_told_pool_by_pool(capsys, path):
    code, out, _ = run(capsys, "check", path)

    assert code == 0
    assert out.splitlines() == [
        f"{path} is right.",
        "  cpu: 0 to 4 nodes of 2 slots by process, grows beyond 10 s of waiting, "
        "shrinks after 120 s of calm",
        "  gpu: 0 to 1 nodes of 1 slot and 2 GPUs by command, grows beyond 10 s of waiting, "
        "shrinks after 120 s of calm",
    ]


def test_with_ask_each_provider_is_asked_what_it_runs(capsys, path):
    code, out, _ = run(capsys, "check", path, "--ask", "--json")

    pools = json.loads(out)["pools"]
    assert code == 0
    assert [(pool["name"], pool["instances"]) for pool in pools] == [("cpu", 0), ("gpu", 0)]
    assert pools[0]["labels"] == {"pool": "cpu"}


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("max = 4", "max = -1", "pools.cpu.max = -1: give a whole number, 0 to 10000"),
        ("slots = 2", "slot = 2", "pools.cpu.slot: there is no such setting; there is"),
        ("[pools.cpu]", "[pools.cpu", "this is not TOML"),
    ],
)
def test_what_is_wrong_is_told_in_a_line_with_its_field(capsys, path, before, after, told):
    path.write_text(POOLS.replace(before, after))

    code, out, err = run(capsys, "check", path)

    assert (code, out, err.count("\n")) == (2, "", 1)
    assert told in err


def test_a_provider_that_cannot_be_asked_is_told(capsys, path):
    path.write_text(POOLS.replace("echo", "exit 3; echo"))

    code, _, err = run(capsys, "check", path, "--ask")

    assert code == 1
    assert "pools.gpu: list ended with 3" in err


def test_without_a_file_it_says_what_to_give(capsys):
    code, _, err = run(capsys, "check")

    assert code == 2
    assert "give a FILE, or set HIVE_AUTOSCALE_FILE" in err


def test_a_file_that_is_not_there_is_told(capsys, tmp_path):
    code, _, err = run(capsys, "check", tmp_path / "none.toml")

    assert code == 2
    assert "No such file" in err


def test_status_takes_no_file(capsys, path):
    assert run(capsys, "status", path)[0] == 2


def test_pools_are_shown_with_sizes_reasons_and_what_changed_last():
    console = Console(file=StringIO(), width=160)

    show(console, {"cpu": POOL})

    text = console.file.getvalue()
    assert "cpu (process): 1 ready, 1 starting; 0 to 4, 2 wanted" in text
    for part in ("7 subtasks wait [soon]", "start: no [quota]", "12:00 started cpu-1"):
        assert part in text


def test_without_pools_it_says_where_they_would_be():
    console = Console(file=StringIO(), width=160)

    show(console, {})

    assert "HIVE_AUTOSCALE_FILE" in console.file.getvalue()


def test_status_as_json_is_what_the_foreman_draws(capsys, monkeypatch):
    seen = picture.Picture({"at": 10.0**12, "pools": {"cpu": POOL}})
    monkeypatch.setattr(picture, "look", lambda: seen)

    code, out, _ = run(capsys, "status", "--json")

    assert (code, json.loads(out)) == (0, {"pools": {"cpu": POOL}})


def test_without_a_foreman_nobody_can_tell(capsys, monkeypatch):
    monkeypatch.setattr(picture, "look", lambda: picture.Picture(away="connection refused"))

    code, _, err = run(capsys, "status")

    assert code == 1
    assert "no Foreman tells how the pools are; Redis: connection refused" in err
