import os
import select
import signal

import pytest

from nodes.spore.bell import Bell

SOON = 10.0


@pytest.fixture
def bell():
    """A bell of this process, whose handlers of signals are as before afterwards."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield Bell()
    for number, action in kept.items():
        signal.signal(number, action)


def rings(bell: Bell, seconds: float = 0.0) -> bool:
    return bool(select.select([bell], [], [], seconds)[0])


def test_it_rings_until_it_is_quieted(bell):
    bell.ring()
    bell.ring()

    assert rings(bell)
    bell.quiet()
    assert not rings(bell)


def test_a_child_that_ends_rings_it(bell):
    with bell.rung_by_signals(lambda *_: None):
        pid = os.fork()
        if not pid:
            os._exit(0)

        assert rings(bell, SOON)
        os.waitpid(pid, 0)


def test_whoever_asks_to_stop_is_heard_and_rings_it(bell):
    heard = []

    with bell.rung_by_signals(lambda signum, _: heard.append(signum)):
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)

        assert rings(bell)
    assert heard == [signal.SIGTERM, signal.SIGINT]


def test_afterwards_children_end_in_silence(bell):
    with bell.rung_by_signals(lambda *_: None):
        pass

    signal.raise_signal(signal.SIGCHLD)

    assert not rings(bell)
    assert signal.getsignal(signal.SIGCHLD) is signal.SIG_DFL


def test_what_happens_in_a_child_does_not_ring_its_parents_bell(bell):
    with bell.rung_by_signals(lambda *_: None):
        pid = os.fork()
        if not pid:
            bell.leave_behind()
            signal.raise_signal(signal.SIGTERM)  # handled still, and heard by nobody
            os._exit(0 if signal.getsignal(signal.SIGCHLD) is signal.SIG_DFL else 1)
        _, status = os.waitpid(pid, 0)
        told = os.read(bell.fileno(), 64)

    assert os.waitstatus_to_exitcode(status) == 0
    assert told == bytes([signal.SIGCHLD])
