from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.domain.backlog import FAVOUR, Backlog
from tests.jobs.cast import NOW, line, ready

START = NOW.timestamp()
#: From the lowest priority to above the highest, one step a minute.
CLIMB_SECONDS = 11 * 60


def backlog(*lines):
    made = Backlog()
    for each in lines:
        made.open(each)
    return made


def serve(work, picks, *, now=START, step=0.0, seconds=1.0):
    """Serve bundles of one item each, `step` seconds apart; the jobs in the order of their turn."""
    served = []
    for pick in range(picks):
        clock = now + pick * step
        turn = work.turn(clock)
        if turn is None:
            break
        turn.ready.popleft()
        work.charge(turn, seconds=seconds, now=clock)
        served.append(turn.order.job)
    return served


def test_eight_of_nine_turns_go_to_the_preferred_queue():
    work = backlog(line("fast", rank=0, items=100), line("slow", rank=1, items=100))

    served = serve(work, 90)

    assert Counter(served) == {"fast": 80, "slow": 10}
    assert served[: FAVOUR - 1] == ["fast"] * 8


def test_an_empty_queue_leaves_its_turns_to_the_other():
    work = backlog(line("slow", rank=1, items=20))

    assert serve(work, 20) == ["slow"] * 20


def test_the_higher_priority_goes_first():
    work = backlog(line("low", priority=4, items=2), line("high", priority=6, items=2))

    assert serve(work, 4) == ["high", "high", "low", "low"]


def test_waiting_gains_one_step_of_priority_a_minute():
    old, new = line("old", priority=4, items=1), line("new", priority=5, items=1)
    old.since, new.since = START - 119, START
    work = backlog(old, new)

    assert work.turn(START).order.job == "new"
    old.since = START - 120
    assert work.turn(START).order.job == "old"


def test_a_turn_uses_up_the_age_of_a_line():
    old = line("old", priority=0, items=2, since=START - CLIMB_SECONDS)
    work = backlog(old, line("new", priority=10, items=2))

    assert serve(work, 2) == ["old", "new"]


def test_a_clock_that_went_back_does_no_harm():
    work = backlog(line("a", items=1, since=START + 3600), line("b", items=1))

    assert work.turn(START) is not None


def test_jobs_of_equal_priority_share_by_work_and_not_by_bundles():
    long, short = line("long", items=100), line("short", items=100)
    work = backlog(long, short)

    for _ in range(30):
        turn = work.turn(START)
        turn.ready.popleft()
        work.charge(turn, seconds=2.0 if turn is long else 1.0, now=START)

    assert abs(long.served - short.served) <= 2.0


def test_a_job_of_ten_items_does_not_wait_for_one_of_a_hundred_thousand():
    work = backlog(line("huge", items=100_000))
    serve(work, 5000)
    work.open(line("small", items=10))

    served = serve(work, 30)

    assert served.count("small") == 10
    assert served.index("small") <= 1


def test_a_new_job_gets_no_more_than_its_share_from_now_on():
    work = backlog(line("huge", items=10_000))
    serve(work, 5000)
    work.open(line("late", items=10_000))

    assert abs(Counter(serve(work, 100))["late"] - 50) <= 1


def test_a_new_job_is_level_with_its_equals_and_not_with_those_who_must_wait():
    """Whoever waits behind them was served little, which says nothing about their shares."""
    patient = line("patient", rank=1, priority=5, items=10)
    humble = line("humble", rank=0, priority=0, items=10)
    paused = line("paused", rank=0, priority=5, items=10)
    paused.held = True
    work = backlog(line("huge", rank=0, items=10_000), patient, humble, paused)
    serve(work, 3000)
    work.open(line("late", rank=0, items=10_000))

    counted = Counter(serve(work, 90))

    assert abs(counted["late"] - counted["huge"]) <= 1


def test_lines_that_are_held_stopped_skipped_or_empty_have_no_turn():
    held, stopped = line("held", items=1), line("stopped", items=1)
    held.held = stopped.stopped = True
    work = backlog(held, stopped, line("skipped", items=1), line("empty"))

    assert work.turn(START, skip={"skipped"}) is None
    assert work.turn(START).order.job == "skipped"


def test_a_retry_is_ready_when_its_time_has_come_and_goes_first():
    mine = line(items=[ready(1)])
    mine.put_off(ready(2), START + 2)
    mine.put_off(ready(3), START + 1)

    mine.wake(START)
    assert [item.subtask for item in mine.ready] == [1]
    assert mine.next_due() == START + 1
    mine.wake(START + 2)

    assert [item.subtask for item in mine.ready] == [2, 3, 1]
    assert mine.next_due() is None


def test_a_line_is_empty_when_nothing_is_left_to_send_or_to_wait_for():
    mine = line()
    assert mine.is_empty
    mine.in_flight = 1
    assert not mine.is_empty
    mine.in_flight, mine.exhausted = 0, False
    assert not mine.is_empty
    mine.exhausted = True
    mine.put_off(ready(), START)
    assert not mine.is_empty


def test_opening_a_line_twice_keeps_the_first():
    first = line()
    work = backlog(first)

    assert work.open(line()) is first
    assert work.lines() == [first]


def test_a_closed_line_is_forgotten_and_closing_it_again_is_fine():
    work = backlog(line("a", items=1))

    work.close("a")
    work.close("a")

    assert "a" not in work
    assert work.get("a") is None
    assert work.turn(START) is None


def test_the_next_attempt_avoids_what_the_earlier_ones_avoided():
    second = ready(avoid=frozenset({"a"})).after(avoid=frozenset({"b"}))

    assert (second.number, second.avoid) == (2, {"a", "b"})


LINES = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 10)), min_size=2, max_size=8)


@settings(deadline=None, max_examples=50)
@given(shapes=LINES, step=st.sampled_from([0.5, 1.0, 5.0]))
def test_nothing_starves_however_much_arrives_before_it(shapes, step):
    """Every line has work without end; in simulated time, each gets its next turn in the end."""
    work = Backlog()
    for number, (rank, priority) in enumerate(shapes):
        work.open(line(str(number), rank=rank, priority=priority, items=[ready()]))
    last = dict.fromkeys((each.order.job for each in work.lines()), START)
    # One climb to the top, then one turn of each other line, of which every ninth counts.
    patience = CLIMB_SECONDS + 60 + (len(shapes) + 1) * FAVOUR * step

    for pick in range(int(3 * patience / step)):
        now = START + pick * step
        turn = work.turn(now)
        work.charge(turn, seconds=1.0, now=now)
        last[turn.order.job] = now

        assert now - min(last.values()) <= patience
