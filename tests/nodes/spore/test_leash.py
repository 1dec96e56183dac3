import json
import os

import pytest

from hive_site.kernel.errors import Invalid
from nodes.spore import leash as module
from nodes.spore.leash import ALONE, MAX_LINE_BYTES, LauncherGone, Leash, read_launch


@pytest.fixture
def pipes():
    """What the launcher reads and writes, and what the agent does."""
    (agent_reads, writer), (reader, agent_writes) = os.pipe(), os.pipe()
    ends = [reader, writer, agent_reads, agent_writes]
    yield ends
    for end in ends:
        if end >= 0:
            os.close(end)


@pytest.fixture
def leash(pipes):
    return Leash(*pipes[2:])


def test_what_the_launcher_said_is_heard_in_order_and_once(leash, pipes):
    os.write(pipes[1], b'{"tick": 1}\n{"retire": {"seconds": 5}}\n')

    assert leash.hear() == [("tick", 1), ("retire", {"seconds": 5})]
    assert leash.hear() == []


def test_a_line_that_comes_in_pieces_is_heard_once_it_is_whole(leash, pipes):
    os.write(pipes[1], b'{"go": {"eld')
    before = leash.hear()
    os.write(pipes[1], b'ers": []}}\n')

    assert (before, leash.hear()) == ([], [("go", {"elders": []})])


@pytest.mark.parametrize("line", [b"\xff\xfe", b"{", b"[1]", b"", b"[" * 100_000])
def test_a_broken_line_is_left_out(leash, pipes, line):
    os.write(pipes[1], line[:60_000] + b'\n{"tick": 1}\n')

    assert leash.hear() == [("tick", 1)]


def test_a_line_without_end_takes_no_memory_and_the_next_one_counts(leash, pipes):
    for _ in range(3 * MAX_LINE_BYTES // 32_768):
        os.write(pipes[1], b"x" * 32_768)
        assert leash.hear() == []

    os.write(pipes[1], b'x\n{"tick": 1}\n')

    assert len(leash._heard) <= MAX_LINE_BYTES
    assert leash.hear() == [("tick", 1)]


def test_a_launcher_that_is_gone_is_found_out_at_once(leash, pipes):
    os.write(pipes[1], b'{"tick": 1}\n')
    os.close(pipes[1])
    pipes[1] = -1

    with pytest.raises(LauncherGone):
        leash.hear(1)


def test_what_the_agent_says_is_a_line_each(leash, pipes):
    leash.say("live", {"incarnation": "one"})
    leash.say("hint", {"rev": 3})

    said = os.read(pipes[0], 1000).splitlines()
    assert [json.loads(line) for line in said] == [
        {"live": {"incarnation": "one"}},
        {"hint": {"rev": 3}},
    ]


def test_a_launcher_that_does_not_read_holds_nobody_up_and_later_reads_the_newest(leash, pipes):
    for n in range(1000):
        leash.say("works", {"n": n, "text": "x" * 1000})
    leash.say("live", {"incarnation": "one"})
    os.set_blocking(pipes[0], False)

    text = b""
    while not text.endswith(b'{"live": {"incarnation": "one"}}\n'):
        text += os.read(pipes[0], 1_000_000)
        leash.hear()

    said = [json.loads(line) for line in text.splitlines()]
    numbers = [line["works"]["n"] for line in said[:-1]]
    assert numbers == sorted(numbers)
    assert numbers[-1] == 999
    assert len(numbers) < 1000


def test_speaking_to_a_launcher_that_is_gone_changes_nothing(leash, pipes):
    os.close(pipes[0])
    pipes[0] = -1

    leash.say("live", {"incarnation": "one"})

    assert leash.hear() == []


def test_a_launcher_that_is_silent_for_six_seconds_holds_nobody(leash, pipes, monkeypatch):
    clock = [leash._ticked_at]
    monkeypatch.setattr(module.time, "monotonic", lambda: clock[0])
    clock[0] += 5.9
    before = leash.is_held
    clock[0] += 0.2
    silent = leash.is_held
    os.write(pipes[1], b'{"tick": 1}\n')
    leash.hear()

    assert (before, silent, leash.is_held) == (True, False, True)


def test_the_environment_says_how_an_agent_was_launched_and_loses_it(pipes):
    environ = {"HIVE_LAUNCHER_FDS": f"{pipes[2]},{pipes[3]}", "HIVE_GATE": "1", "PATH": "/bin"}
    environ["HIVE_INCARNATION"] = "one"

    launch = read_launch(environ)

    assert (launch.leash.is_managed, launch.gated, launch.incarnation) == (True, True, "one")
    assert environ == {"PATH": "/bin"}
    assert not os.get_inheritable(pipes[2])


def test_without_a_launcher_nothing_holds_and_nobody_is_taken_over():
    launch = read_launch({"HIVE_GATE": "1", "HIVE_INCARNATION": "one"})

    launch.leash.say("live", {})
    assert launch is ALONE
    assert launch.leash.hear() == []
    assert (launch.gated, launch.incarnation, launch.leash.is_held) == (False, "", True)
    assert not launch.leash.is_managed


@pytest.mark.parametrize("text", ["1", "a,b", "1,2,3", "-1,-1", "99999,99998", f"{10**30},1"])
def test_pipes_that_are_none_are_told(text):
    with pytest.raises(Invalid, match="HIVE_LAUNCHER_FDS") as told:
        read_launch({"HIVE_LAUNCHER_FDS": text})

    assert told.value.field == "HIVE_LAUNCHER_FDS"
