import os
import signal
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from hive_site.kernel.errors import Invalid
from nodes import wire
from nodes.domain.beats import read_beat
from nodes.domain.transcript import HEAD_BYTES, TAIL_BYTES
from nodes.spore.agent import MAX_SLOTS
from tests.nodes.cast import wait_until
from tests.nodes.spore.cast import WORK, busy, fail, idle, step_until

pytestmark = pytest.mark.processes


def lives_until_it_rests(agent, exchange, at: float) -> set[int]:
    """Who lived, at a moment that stands still, until nobody was started again."""
    lives: set[int] = set()
    wait_until(lambda: agent.step(at) or lives.update(exchange.pids()) or not exchange.pids())
    return lives


def open_files() -> int:
    """How many outputs this process has open."""
    numbers = Path("/proc/self/fd")
    links = [os.readlink(file) for file in list(numbers.iterdir()) if file.is_symlink()]
    return sum("memfd:output" in link for link in links)


def test_an_agent_has_the_slots_it_was_started_with_and_they_stay(start, exchange):
    agent, now = start(idle, slots=3), time.monotonic()

    agent.step(now)
    first = exchange.pids()
    agent.step(now + wire.BEAT_SECONDS)

    children = {child.pid for child in psutil.Process().children()}
    assert len(set(first)) == 3
    assert exchange.pids() == first
    assert set(first) <= children


def test_a_heartbeat_tells_who_and_what_it_is(start, exchange):
    start(idle, slots=2).step(time.monotonic())

    beat = read_beat(exchange.beats[0])
    assert (beat.incarnation, beat.slots, beat.release) == ("one", 2, "1.0")
    assert (beat.labels, beat.capabilities) == ({"site": "lab"}, frozenset({"tex"}))
    assert beat.running == ()


def test_its_heart_beats_every_two_seconds(start, exchange):
    agent, now = start(idle), time.monotonic()

    counts = []
    for seconds in (0, 1.9, 2.0, 3.9, 4.0):
        agent.step(now + seconds)
        counts.append(len(exchange.beats))

    assert counts == [1, 1, 2, 2, 3]


def test_it_announces_itself_once(start, exchange):
    agent, now = start(idle), time.monotonic()

    for seconds in range(0, 10, 2):
        agent.step(now + seconds)

    assert exchange.said == ["announce"]


def test_a_wake_up_makes_it_look_at_once(start, exchange):
    agent, now = start(idle), time.monotonic()
    exchange.wake_up = True
    agent.step(now)
    exchange.wake_up = False
    agent.step(now + 0.1)
    agent.step(now + 0.2)

    assert len(exchange.beats) == 2


def test_a_heartbeat_lists_what_runs_on_the_clock_of_redis(start, exchange):
    exchange.clock_ahead_seconds = 3600
    agent = start(busy(WORK))
    exchange.wake_up = True

    step_until(agent, lambda: len(exchange.beats) > 1 and exchange.running())

    ((attempt, started_at, progress, message),) = exchange.running()
    assert (attempt, progress, message) == (7, 0.5, "half of it")
    age = time.time() + 3600 - started_at
    assert abs(age - (time.monotonic() - WORK.started)) < 5


def test_a_heartbeat_tells_how_much_memory_each_attempt_holds(start, exchange):
    agent = start(busy(WORK))
    exchange.wake_up = True

    step_until(agent, lambda: len(exchange.beats) > 1 and exchange.running())

    held = read_beat(exchange.beats[-1]).held_mb
    assert held.keys() == {7}
    assert 10 < held[7] < 10_000  # a test run of Django weighs some 100 MiB


def test_slots_know_the_clock_of_redis(start, exchange):
    def tell_the_time(identity, board, index) -> None:
        while True:
            board[index].write(replace(WORK, message=f"{board.clock()[0]:.0f}"))
            time.sleep(0.005)

    exchange.clock_ahead_seconds, exchange.wake_up = 7200, True
    agent = start(tell_the_time)

    step_until(agent, lambda: [row[3] for row in exchange.running()] in (["7200"], ["7199"]))


def test_two_agents_of_one_name_do_not_live_side_by_side(start, exchange):
    agent = start(idle)
    agent.check_name_is_free()
    exchange.taken = True

    with pytest.raises(Invalid, match="a Spore named 'spore-1' is running; give another --name"):
        agent.check_name_is_free()


def test_a_slot_that_died_is_started_again_at_once_and_then_with_growing_rests(start, exchange):
    exchange.wake_up = True  # a heartbeat at every step tells who lives
    agent, now = start(fail), time.monotonic()

    lives = {}
    for seconds in (0, 0.4, 0.5, 1.4, 1.5, 3.4, 3.5, 8.5, 18.5, 48.5, 78.4, 78.5):
        lives[seconds] = len(lives_until_it_rests(agent, exchange, now + seconds))

    assert [at for at, count in lives.items() if not count] == [0.4, 1.4, 3.4, 78.4]
    assert (lives[0], lives[0.5], lives[48.5], lives[78.5]) == (2, 1, 1, 1)


def test_a_slot_that_lived_for_a_minute_is_started_again_at_once(start, exchange):
    exchange.wake_up = True
    agent, now = start(fail), time.monotonic()
    lives_until_it_rests(agent, exchange, now)
    agent.step(now + 0.5)
    third = exchange.pids()

    later = lives_until_it_rests(agent, exchange, now + 61)

    assert len(later.difference(third)) == 1


def test_a_slot_that_a_task_took_along_is_started_again_at_once_however_often(start, exchange):
    agent, now = start(busy(WORK)), time.monotonic()
    exchange.wake_up = True

    for _ in range(4):
        step_until(agent, exchange.running, at=now)
        (pid,) = exchange.pids()
        psutil.Process(pid).kill()
        step_until(agent, lambda pid=pid: exchange.pids() not in ([], [pid]), at=now)


def test_a_crash_is_reported_with_what_ran_and_its_bundle_let_go(start, exchange):
    agent = start(busy(WORK))
    exchange.wake_up = True
    step_until(agent, exchange.running)
    (pid,) = exchange.pids()

    psutil.Process(pid).kill()
    step_until(agent, lambda: len(exchange.said) == 3)

    [said, let_go] = exchange.said[1:]
    [event] = said["events"]
    assert (said["bundle"], let_go) == ("b1", "discard b1")
    assert (event["a"], event["why"], event["how"]) == (7, "crashed", "signal SIGKILL")
    assert 0 < event["t0"] <= event["t1"]


def test_what_it_printed_and_did_not_live_to_tell_is_told_before_its_death(start, exchange):
    def speak_and_die(identity, board, index):
        output = board[index].output
        board[index].write(WORK)
        output.write("told\n")
        output.take()
        output.write("last ")
        os.write(output.file, b"w\xffrds\0")
        os.kill(os.getpid(), signal.SIGKILL)

    agent = start(speak_and_die)

    step_until(agent, lambda: exchange.said[1:])

    said = next(each for each in exchange.said if "bundle" in each)
    log, died = said["events"]
    assert log == {"k": "log", "a": 7, "n": 2**31 - 1, "text": "last w�rds�"}
    assert (died["k"], died["a"], died["how"]) == ("died", 7, "signal SIGKILL")


def test_the_last_words_are_long_at_most_as_a_log_may_be(start, exchange):
    def chatter_and_die(identity, board, index):
        board[index].write(WORK)
        board[index].output.write("x" * 40 * 1024 * 1024 + "the end")
        os._exit(1)

    agent = start(chatter_and_die)

    step_until(agent, lambda: exchange.said[1:])

    log = next(each for each in exchange.said if "bundle" in each)["events"][0]
    assert log["text"].endswith("the end")
    assert "bytes were cut here" in log["text"]
    assert len(log["text"]) < HEAD_BYTES + TAIL_BYTES + 100


def test_what_a_dead_slot_left_behind_prints_into_no_log_of_the_next_one(start, exchange):
    agent = start(busy(WORK))
    exchange.wake_up = True
    step_until(agent, exchange.running)
    (pid,) = exchange.pids()
    left_behind = os.dup(agent._crew.board[0].output.file)

    psutil.Process(pid).kill()
    step_until(agent, lambda: exchange.pids() not in ([], [pid]))
    with suppress(PermissionError):
        os.write(left_behind, b"late")

    assert agent._crew.board[0].output.take() == ""
    os.close(left_behind)


def test_slots_that_die_and_are_started_again_leave_no_file_open(start, exchange):
    before = open_files()
    agent, now = start(busy(WORK), slots=2), time.monotonic()
    exchange.wake_up = True
    step_until(agent, lambda: len(exchange.running()) == 2, at=now)
    counts = [open_files()]

    for _ in range(3):
        pids = exchange.pids()
        psutil.Process(pids[0]).kill()
        step_until(agent, lambda pids=pids: len({*exchange.pids()} - {*pids}) == 1, at=now)
        counts.append(open_files())
    agent._crew.kill_all()

    assert counts == [before + 2] * 4
    assert open_files() == before


def test_slots_that_are_retired_leave_no_file_open(start, exchange):
    agent, now = start(idle, slots=3), time.monotonic()
    agent.step(now)
    before = open_files()
    exchange.orders, exchange.wake_up = {"slots": 1}, True

    step_until(agent, lambda: len(exchange.pids()) == 1)

    assert open_files() == before - 2


def test_an_idle_slot_that_dies_is_no_news(start, exchange):
    agent = start(idle)
    exchange.wake_up = True
    agent.step(time.monotonic())
    (pid,) = exchange.pids()

    psutil.Process(pid).kill()
    step_until(agent, lambda: exchange.pids() not in ([], [pid]))

    assert exchange.said == ["announce"]


def test_more_slots_are_started_when_an_operator_wants_them_and_the_foreman_told(start, exchange):
    exchange.orders = {"slots": 3}
    agent, now = start(idle), time.monotonic()

    agent.step(now)
    agent.step(now + 0.1)

    assert [beat["slots"] for beat in exchange.beats] == [1, 3]
    assert len(exchange.pids()) == 3


def test_idle_slots_are_retired_when_fewer_are_wanted(start, exchange):
    agent, now = start(idle, slots=3), time.monotonic()
    agent.step(now)
    kept = exchange.pids()[0]
    exchange.orders, exchange.wake_up = {"slots": 1}, True

    step_until(agent, lambda: exchange.pids() == [kept])

    assert exchange.said == ["announce"]
    assert exchange.beats[-1]["slots"] == 1


def test_a_slot_that_works_is_retired_only_when_it_is_done(start, exchange):
    agent = start(busy(WORK), slots=2)
    exchange.wake_up = True
    step_until(agent, lambda: len(exchange.running()) == 2)
    exchange.orders = {"slots": 1}
    for _ in range(5):
        agent.step(time.monotonic())
    working = exchange.pids()
    told = [agent._crew.board[index].is_retired() for index in range(2)]
    exchange.cancelled = {"job_1.1"}

    step_until(agent, lambda: len(exchange.pids()) == 1)

    assert len(working) == 2
    assert told == [False, True]
    assert [said for said in exchange.said if said != "announce"] == []


def test_orders_that_are_withdrawn_leave_what_it_was_started_with(start, exchange):
    agent = start(idle, slots=2)
    exchange.wake_up, exchange.orders = True, {"slots": 1}
    step_until(agent, lambda: exchange.beats and len(exchange.pids()) == 1)
    exchange.orders = {"slots": None}

    step_until(agent, lambda: len(exchange.pids()) == 2)

    assert exchange.beats[-1]["slots"] == 2


def test_no_order_makes_more_slots_than_there_is_room_for(start, exchange, monkeypatch):
    exchange.orders = {"slots": 10**6}
    agent = start(idle)
    # 256 processes would prove no more
    monkeypatch.setattr(agent._crew, "fill", lambda identity, now: None)

    agent.step(time.monotonic())
    agent.step(time.monotonic())

    assert exchange.beats[-1]["slots"] == MAX_SLOTS


def knows_tasks(identity, board, index):
    """A slot that loaded its tasks."""
    board[index].show_tasks("d" * 32)
    idle(identity, board, index)


def test_it_tells_which_tasks_its_slots_have_as_soon_as_they_loaded_them(start, exchange):
    agent, now = start(knows_tasks), time.monotonic()

    step_until(agent, lambda: exchange.beats and exchange.beats[-1]["tasks"], at=now)

    assert exchange.beats[-1]["tasks"] == "d" * 32
    assert exchange.said[-1] == "announce"
    beats = len(exchange.beats)
    agent.step(now)
    assert len(exchange.beats) == beats  # once, not at every step


def test_until_a_slot_has_loaded_them_it_has_none(start, exchange):
    start(idle).step(time.monotonic())

    assert exchange.beats[-1]["tasks"] == ""
