"""An agent that is told to stop things, that cannot reach Redis, that was given up, or leaves."""

import signal
import time
from dataclasses import replace

import psutil
import pytest

from nodes.spore import leaving as module
from nodes.spore.board import Work
from tests.nodes.cast import wait_until
from tests.nodes.spore.cast import WORK, busy, idle, step_until

pytestmark = pytest.mark.processes
LATE = replace(WORK, limit=WORK.started)


@pytest.fixture(autouse=True)
def signals():
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, action in kept.items():
        signal.signal(number, action)


@pytest.fixture
def working(start, exchange):
    """An agent with one slot at work that does not heed what it is asked."""

    def begin(work: Work, *, at: float | None = None):
        agent = start(busy(work, obedient=False))
        exchange.wake_up = True
        step_until(agent, exchange.running, at=at)
        return agent

    return begin


def died(exchange) -> list[dict]:
    reports = [said for said in exchange.said if isinstance(said, dict)]
    deaths = [e for report in reports for e in report["events"] if e["k"] == "died"]
    assert all(0 < e["t0"] <= e["t1"] for e in deaths)
    return [{k: v for k, v in e.items() if k not in ("t0", "t1")} for e in deaths]


def test_a_task_that_heeds_its_timeout_keeps_its_process_from_being_killed(start, exchange):
    agent = start(busy(LATE))
    exchange.wake_up = True
    agent.step(time.monotonic())
    first = exchange.pids()

    step_until(agent, lambda: exchange.pids() != first)

    assert died(exchange) == []


def test_a_task_that_ignores_its_timeout_is_killed_after_five_seconds(working, exchange):
    now = time.monotonic()
    agent = working(LATE, at=now)
    agent.step(now)  # it is asked in this step if it was not in the last
    for _ in range(3):
        agent.step(now + 4.9)
    spared = exchange.running()

    step_until(agent, lambda: died(exchange), at=now + 5)

    assert len(spared) == 1
    assert died(exchange) == [{"k": "died", "a": 7, "why": "timeout", "how": "signal SIGKILL"}]


def test_cancelled_work_that_goes_on_is_killed_after_two_seconds(working, exchange):
    agent, now = working(WORK), time.monotonic()
    exchange.cancelled = {"job_1.1"}
    for _ in range(3):
        agent.step(now + 1.9)  # it was asked at `now` at the earliest
    spared = exchange.running()

    step_until(agent, lambda: died(exchange), at=time.monotonic() + 2)

    assert len(spared) == 1
    assert died(exchange) == [{"k": "died", "a": 7, "why": "cancelled", "how": "signal SIGKILL"}]


def test_cancelled_work_is_asked_within_the_step_that_hears_of_it(start, exchange):
    agent = start(busy(WORK))
    exchange.wake_up = True
    step_until(agent, exchange.running)
    slot = psutil.Process(exchange.pids()[0])
    exchange.cancelled = {"job_1.1"}

    agent.step(time.monotonic())

    wait_until(lambda: slot.status() == psutil.STATUS_ZOMBIE)


def test_work_of_other_jobs_is_not_cancelled(working, exchange):
    agent = working(WORK)
    exchange.cancelled = {"job_2.1"}

    for _ in range(3):
        agent.step(time.monotonic() + 3)

    assert len(exchange.running()) == 1


def test_slots_and_deadlines_go_on_without_redis_and_are_told_later(working, exchange):
    agent = working(LATE)
    exchange.away = True
    slot = psutil.Process(exchange.pids()[0])

    wait_until(lambda: agent.step(time.monotonic() + 5) or not slot.is_running())
    agent.step(time.monotonic() + 5)
    untold = died(exchange)
    exchange.away = False
    step_until(agent, lambda: died(exchange))

    assert untold == []
    assert [event["why"] for event in died(exchange)] == ["timeout"]


def test_a_bundle_that_nobody_holds_is_handed_back_at_the_second_look(start, exchange):
    exchange.popped, exchange.wake_up = {"b9"}, True
    agent = start(idle)
    agent.step(time.monotonic())
    once = list(exchange.said)

    agent.step(time.monotonic())
    agent.step(time.monotonic())

    assert once == ["announce"]
    back = {"bundle": "b9", "events": [{"k": "back", "all": True}]}
    assert exchange.said == ["announce", back, "discard b9"]


def test_a_bundle_that_a_slot_took_up_meanwhile_is_not_handed_back(working, exchange):
    agent = working(WORK)
    exchange.popped = {"b1"}

    for _ in range(4):
        agent.step(time.monotonic())

    assert exchange.said == ["announce"]


def test_an_agent_that_was_given_up_kills_its_work_and_starts_anew(working, exchange):
    agent = working(WORK)
    (before,) = exchange.pids()
    exchange.orders = {"over": "one"}
    agent.step(time.monotonic())
    gone = not psutil.pid_exists(before)

    step_until(agent, exchange.running)

    anew = exchange.beats[-1]["incarnation"]
    assert gone
    assert anew != "one"
    assert agent.identity.incarnation == anew
    assert (exchange.opened, exchange.closed) == (["one", anew], ["one"])
    assert died(exchange) == []  # its work belongs to others now


def test_an_order_about_an_older_start_is_moot(working, exchange):
    agent = working(WORK)
    exchange.orders = {"over": "zero"}

    agent.step(time.monotonic())

    assert exchange.opened == ["one"]


def test_sigterm_lets_running_work_end_and_then_says_goodbye(start, exchange, tmp_path):
    def finish(identity, board, index) -> None:
        board[index].write(WORK)
        while not board.clock()[1]:
            time.sleep(0.005)
        (tmp_path / str(index)).touch()
        board[index].write(Work())

    agent = start(finish, slots=2)
    exchange.sigterm_at, exchange.wake_up = 5, True

    agent.run()

    assert sorted(path.name for path in tmp_path.iterdir()) == ["0", "1"]
    assert died(exchange) == []
    assert exchange.said[-1] == {"leaving": True, "events": []}
    assert exchange.closed == ["one"]
    assert [pid for pid in exchange.pids() if psutil.pid_exists(pid)] == []


def test_work_that_does_not_end_is_cut_short_and_handed_back_as_no_crash(
    start, exchange, monkeypatch
):
    monkeypatch.setattr(module, "STOP_PATIENCE_SECONDS", 0.2)
    agent = start(busy(WORK, obedient=False))
    exchange.wake_up = True
    step_until(agent, exchange.running)
    exchange.sigterm_at = exchange.listened + 1

    agent.run()

    assert died(exchange) == []
    assert exchange.said[-1] == {"leaving": True, "events": []}
    assert [pid for pid in exchange.pids() if psutil.pid_exists(pid)] == []


def test_a_crash_while_it_leaves_is_still_told(start, exchange, monkeypatch):
    monkeypatch.setattr(module, "STOP_PATIENCE_SECONDS", 20)
    agent = start(busy(WORK, obedient=False))
    exchange.wake_up = True
    step_until(agent, exchange.running)
    psutil.Process(exchange.pids()[0]).kill()
    agent.stopping = True

    agent.run()

    assert [event["why"] for event in died(exchange)] == ["crashed"]
    assert exchange.said[-1] == {"leaving": True, "events": []}


def test_a_second_signal_does_not_wait_for_running_work(start, exchange, monkeypatch):
    monkeypatch.setattr(module, "STOP_PATIENCE_SECONDS", 3600)
    agent = start(busy(WORK, obedient=False))
    exchange.wake_up = True
    step_until(agent, exchange.running)
    enforce = agent._crew.enforce

    def be_impatient(now: float, cancelled: frozenset[str]) -> None:
        enforce(now, cancelled)
        if agent.stopping:
            signal.raise_signal(signal.SIGTERM)

    agent._crew.enforce = be_impatient
    exchange.sigterm_at = exchange.listened + 1

    agent.run()

    assert exchange.said[-1] == {"leaving": True, "events": []}


def test_it_leaves_without_redis_too(start, exchange):
    agent = start(idle)
    agent.step(time.monotonic())
    exchange.away = agent.stopping = True

    agent.run()

    assert exchange.closed == ["one"]
    assert [pid for pid in exchange.pids() if psutil.pid_exists(pid)] == []
