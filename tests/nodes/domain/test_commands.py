from dataclasses import replace

import pytest

from nodes.domain.commands import Call, Command, Heard, flaw_of, read_call

CALL = Call("bc_1", Command.PING, "one", expires=130.0)
BODY = {
    **{"id": "bc_1", "node": "spore-1", "incarnation": "one", "command": "PING"},
    **{"data": {}, "expires": 130.0},
}


def test_a_call_is_read():
    assert read_call(BODY, node="spore-1") == CALL


@pytest.mark.parametrize(
    "change",
    [
        {"node": "spore-2"},
        {"command": "EXPLODE"},
        {"command": ["PING"]},
        {"expires": "soon"},
        {"data": 3},
    ],
    ids=str,
)
def test_what_is_no_call_for_this_node_is_refused(change):
    with pytest.raises(ValueError):
        read_call({**BODY, **change}, node="spore-1")


@pytest.mark.parametrize("name", BODY)
def test_a_call_that_lacks_something_is_refused(name):
    with pytest.raises(ValueError, match="not a command"):
        read_call({k: v for k, v in BODY.items() if k != name}, node="spore-1")


def test_a_call_is_heard_once_however_often_it_is_repeated():
    heard = Heard()

    taken = [heard.take(CALL, now=now) for now in (100.0, 101.0, 129.9, 130.0, 150.0)]

    assert taken == [True, False, False, False, False]


def test_a_call_that_is_too_old_is_not_heard_though_the_clock_goes_back_later():
    heard = Heard()

    assert not heard.take(CALL, now=131.0)
    assert heard.take(CALL, now=100.0)
    assert not heard.take(CALL, now=99.0)


def test_what_was_heard_is_forgotten_when_it_cannot_come_again():
    heard = Heard()
    for number in range(1000):
        heard.take(replace(CALL, id=str(number), expires=number + 30.0), now=float(number))

    assert len(heard._until) <= 61


@pytest.mark.parametrize("command", Command)
def test_only_what_ends_something_is_meant_for_one_start(command):
    flaw = flaw_of(replace(CALL, command=command), incarnation="two")

    assert bool(flaw) == (command is Command.SHUTDOWN)
    assert flaw_of(replace(CALL, command=command), incarnation="one") == ""
