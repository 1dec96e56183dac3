"""What is to be done before the end is done first, and the end comes as it would have."""

import signal
import threading

import pytest

from hive_site.kernel.farewell import before_exit


@pytest.fixture
def said():
    """What was done, in order; afterwards signals mean what they meant before."""
    said = []
    before = {s: signal.getsignal(s) for s in (signal.SIGTERM, signal.SIGINT)}
    signal.signal(signal.SIGTERM, lambda *_: said.append("ended"))
    yield said
    for signum, heeds in before.items():
        signal.signal(signum, heeds)


def test_it_is_done_before_the_signal_is_heeded(said):
    before_exit(lambda: said.append("let go"))

    signal.raise_signal(signal.SIGTERM)

    assert said == ["let go", "ended"]


def test_what_nobody_in_python_heeds_is_left_alone(said):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)

    before_exit(lambda: said.append("let go"))

    assert signal.getsignal(signal.SIGTERM) == signal.SIG_IGN


def test_outside_the_main_thread_nothing_is_done(said):
    thread = threading.Thread(target=before_exit, args=(lambda: said.append("let go"),))
    thread.start()
    thread.join()

    signal.raise_signal(signal.SIGTERM)

    assert said == ["ended"]
