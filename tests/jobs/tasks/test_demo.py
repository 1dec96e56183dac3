"""The demonstration tasks do what their table in the contract says."""

import os
import signal
import subprocess
import sys
from subprocess import PIPE

import pytest

from hive_site.configuration import PROJECT
from jobs.outcomes import Fail, TaskTimeout
from jobs.tasks import demo
from tests.jobs.tasks.doubles import FakeContext


def exhaust(stream):
    seen = []
    while True:
        try:
            seen.append(next(stream))
        except StopIteration as end:
            return seen, end.value


def test_echo_returns_its_item():
    assert demo.echo(FakeContext(), {"a": [1]}) == {"a": [1]}


def test_sleep_says_where_it_slept():
    answer = demo.sleep(FakeContext(attempt=2), 0)

    assert answer == {"node": "spore-1", "pid": os.getpid(), "attempt": 2}


def test_whoami_shows_the_devices_it_may_use(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")

    answer = demo.whoami(FakeContext(), None)

    assert answer["cuda_visible_devices"] == "3"
    assert answer["release"] == "1.0"


def test_fail_raises_the_message_it_was_given():
    with pytest.raises(ValueError, match="no luck"):
        demo.fail(FakeContext(), "no luck")


def test_flaky_fails_as_often_as_it_is_told_and_then_returns_the_attempt():
    with pytest.raises(RuntimeError):
        demo.flaky(FakeContext(attempt=2), 2)
    assert demo.flaky(FakeContext(attempt=3), 2) == 3


def test_an_unknown_way_to_crash_fails_for_good_and_harms_nobody():
    with pytest.raises(Fail, match="segv"):
        demo.crash(FakeContext(), "meteor")


def test_a_stream_yields_what_it_counts_and_returns_the_number():
    ctx = FakeContext()

    seen, result = exhaust(demo.stream(ctx, 3))

    assert (seen, result) == ([0, 1, 2], 3)
    assert ctx.fractions[-1] == 1.0


def test_a_payload_is_as_long_as_asked():
    assert len(demo.payload(FakeContext(), 100_000)) == 100_000


def test_allocate_holds_real_memory():
    assert demo.allocate(FakeContext(), 2) == 2_000_000


@pytest.mark.parametrize(
    ("way", "code"), [("segv", -signal.SIGSEGV), ("kill", -signal.SIGKILL), ("exit", 0)]
)
def test_a_crash_takes_its_process_along(way, code):
    script = f"from jobs.tasks.demo import crash; crash(None, {way!r}); print('alive')"

    ran = subprocess.run([sys.executable, "-c", script], cwd=PROJECT, check=False, stdout=PIPE)

    assert (ran.returncode, ran.stdout) == (code, b"")


@pytest.fixture
def pester():
    """Call a function every 2 ms, twenty times, out of whatever runs."""
    left, before = [20], signal.getsignal(signal.SIGALRM)

    def start(disturb):
        def ring(signum, frame):
            left[0] -= 1
            if left[0] <= 0:
                signal.setitimer(signal.ITIMER_REAL, 0)
            disturb()

        signal.signal(signal.SIGALRM, ring)
        signal.setitimer(signal.ITIMER_REAL, 0.002, 0.002)
        return left

    yield start
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def test_spin_ends_by_itself_when_nobody_kills_it():
    assert demo.spin(FakeContext(), 0.01) == "spun"


def test_spin_swallows_whatever_is_raised_into_it(pester):
    def stop():
        raise TaskTimeout

    left = pester(stop)

    assert demo.spin(FakeContext(), 0.3) == "spun"
    assert left[0] <= 0


def test_spin_is_deaf_to_sigterm_and_its_process_is_not_afterwards(pester):
    heard = []
    before = signal.signal(signal.SIGTERM, lambda *_: heard.append("term"))
    try:
        left = pester(lambda: os.kill(os.getpid(), signal.SIGTERM))
        demo.spin(FakeContext(), 0.3)
        # On a busy machine some bells may be left, for a process that is deaf no more.
        signal.setitimer(signal.ITIMER_REAL, 0)
        rung = list(heard)
        assert left[0] < 20
        heard.clear()
        os.kill(os.getpid(), signal.SIGTERM)
        assert (rung, heard) == ([], ["term"])
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("item", ["abc", -1, None, True, float("nan"), [1]])
def test_a_time_that_is_no_time_fails_for_good(item):
    with pytest.raises(Fail, match="give a number"):
        demo.sleep(FakeContext(), item)


@pytest.mark.parametrize("task", [demo.allocate, demo.payload, demo.flaky])
@pytest.mark.parametrize("item", [1.5, "3", 10**12, -1])
def test_a_count_that_is_none_fails_for_good(task, item):
    with pytest.raises(Fail, match=r"give a (whole )?number"):
        task(FakeContext(), item)


def test_an_endless_item_is_shown_in_part():
    with pytest.raises(Fail) as caught:
        demo.sleep(FakeContext(), "x" * 10_000)
    assert len(str(caught.value)) < 200
