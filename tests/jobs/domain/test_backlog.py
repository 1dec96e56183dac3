from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.domain.backlog import FAVOUR, Backlog
from jobs.domain.shares import HEAD_START
from nodes.domain.placement import Demand
from tests.jobs.cast import NOW, line, ready

START = NOW.timestamp()
#: From the lowest priority to above the highest, one step a minute.
CLIMB_SECONDS = 11 * 60


def backlog(*lines):
    made = Backlog()
    for each in lines:
        made.open(each)
    return made


def turn(work, now=START, **also):
    """The line whose turn it is at that time."""
    work.prepare(now)
    return work.turn(**also)


def serve(work, picks, *, now=START, step=0.0, seconds=HEAD_START):
    """Serve bundles of one item each, `step` seconds apart; the jobs in the order of their turn."""
    served = []
    for pick in range(picks):
        clock = now + pick * step
        line = turn(work, clock)
        if line is None:
            break
        line.ready.popleft()
        work.charge(line, seconds=seconds, now=clock)
        served.append(line.order.job)
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
    work = backlog(line("old", priority=4, items=1), line("new", priority=6, items=1))
    assert turn(work, START).order.job == "new"

    work.open(line("newer", priority=6, items=1, since=START + 119))
    work.close("new")

    assert turn(work, START + 119).order.job == "newer"
    assert turn(work, START + 120).order.job == "newer"
    assert turn(work, START + 178).order.job == "newer"
    work.charge(work.get("newer"), seconds=1, now=START + 180)
    assert turn(work, START + 180).order.job == "old"


def test_a_turn_uses_up_the_age_of_a_line():
    old = line("old", priority=0, items=2, since=START - CLIMB_SECONDS)
    work = backlog(old, line("new", priority=10, items=2))

    assert serve(work, 2) == ["old", "new"]


def test_a_clock_that_went_back_does_no_harm():
    work = backlog(line("a", items=1, since=START + 3600), line("b", items=1))

    assert turn(work) is not None


def test_lines_age_though_the_clock_was_an_hour_ahead_for_a_while():
    work = backlog(line("old", priority=0, items=9), line("new", priority=1, items=9))
    serve(work, 2, now=START + 3600)
    work.charge(work.get("new"), seconds=1, now=START)
    work.charge(work.get("old"), seconds=0, now=START)

    work.charge(work.get("new"), seconds=1, now=START + 59)
    assert turn(work, START + 59).order.job == "new"
    assert turn(work, START + 119).order.job == "new"
    work.charge(work.get("new"), seconds=1, now=START + 119)
    assert turn(work, START + 120).order.job == "old"


def test_jobs_of_equal_priority_share_by_work_and_not_by_bundles():
    long, short = line("long", items=100), line("short", items=100)
    work = backlog(long, short)

    for _ in range(30):
        first = turn(work)
        first.ready.popleft()
        work.charge(first, seconds=2.0 if first is long else 1.0, now=START)

    assert abs(long.served - short.served) <= 2.0


def test_a_job_of_ten_items_does_not_wait_for_one_of_a_hundred_thousand():
    work = backlog(line("huge", items=100_000))
    serve(work, 5000)
    work.open(line("small", items=10))

    served = serve(work, 30)

    assert served.count("small") == 10
    assert served.index("small") <= 1


def test_a_new_job_is_given_ten_seconds_of_work_before_it_has_to_share():
    work = backlog(line("huge", items=100_000))
    serve(work, 100)
    work.open(line("late", items=100))

    served = serve(work, 40, seconds=1.0)

    assert served[:10] == ["late"] * 10
    assert served[10:].count("late") == 15


def test_a_submitter_who_comes_and_goes_gets_no_more_than_its_share():
    work = backlog(line("huge", items=100_000, submitter="u"))
    serve(work, 100)
    served = []

    for n in range(100):
        now = START + 61 * n
        work.prepare(now)  # nobody is forgotten meanwhile
        work.open(line(f"mine-{n}", items=10, submitter="me", since=now))
        served += serve(work, 12, seconds=1.0, now=now)
        work.close(f"mine-{n}")

    assert served.count("huge") >= 550


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


def test_lines_that_are_held_stopped_passed_over_or_empty_have_no_turn():
    held, stopped, passed = (line(name, items=1) for name in ("held", "stopped", "passed"))
    held.held = stopped.stopped = True
    work = backlog(held, stopped, passed, line("empty"))

    assert turn(work) is passed
    work.pass_over(passed)
    assert work.turn() is None
    assert turn(work) is passed


def test_a_closed_lane_has_no_turn_and_its_lines_say_why():
    gpu = Demand(gpu=1)
    wishes = [line(f"gpu-{n}", priority=9, items=1, demand=gpu) for n in range(3)]
    work = backlog(line("plain", items=1), *wishes)
    first = turn(work)
    first.standing.lane.reason = "no node has a GPU"

    assert work.turn(closed={first.standing.lane}).order.job == "plain"
    assert {each.awaiting_room for each in wishes} == {"no node has a GPU"}
    assert work.get("plain").awaiting_room == ""


def test_a_reduction_stands_in_a_lane_of_its_own_task():
    mine = line(items=1, reduce="text.merge_counts", demand=Demand(gpu=1))
    work = backlog(mine)
    assert turn(work).standing.lane.task == "demo.echo"
    mine.ready[0] = ready(9, reduce=True)

    assert work.turn() is None
    assert turn(work).standing.lane.task == "text.merge_counts"


def test_a_line_that_is_held_or_runs_empty_or_wakes_up_meanwhile_is_noticed():
    a, b = line("a", items=1), line("b", items=1)
    work = backlog(a, b)
    assert turn(work) is a

    a.held = True
    assert work.turn() is b
    b.ready.clear()
    assert work.turn() is None
    a.held = False
    b.put_off(ready(7), START + 5)
    assert turn(work) is a
    a.held = True
    assert turn(work, START + 5) is b


def test_a_submitter_of_a_thousand_jobs_does_not_hold_up_one_with_one():
    work = backlog(*(line(f"many-{n}", items=50, submitter="key:many") for n in range(1000)))
    serve(work, 500)
    work.open(line("one", items=50, submitter="key:one"))

    served = serve(work, 100)

    assert abs(served.count("one") - 50) <= 1


def test_the_jobs_of_one_submitter_share_what_it_gets():
    mine = [line(f"mine-{n}", items=90, submitter="me") for n in range(2)]
    work = backlog(*mine, line("yours", items=90, submitter="you"))

    counted = Counter(serve(work, 80))

    assert counted == {"mine-0": 20, "mine-1": 20, "yours": 40}


def test_what_a_submitter_got_in_one_class_does_not_count_in_another():
    work = backlog(line("low", priority=1, items=500, submitter="me"))
    serve(work, 400)
    work.open(line("mine", items=50, submitter="me"))
    work.open(line("yours", items=50, submitter="you"))

    assert Counter(serve(work, 40)) == {"mine": 20, "yours": 20}


def test_who_was_paused_for_long_is_level_with_the_others_when_it_comes_back():
    paused = line("paused", items=100)
    work = backlog(paused, line("busy", items=1000))
    paused.held = True
    serve(work, 300)
    paused.held = False

    assert Counter(serve(work, 40)) == {"paused": 20, "busy": 20}


def test_a_submitter_who_comes_back_is_level_with_the_others():
    work = backlog(line("first", items=1, submitter="me"), line("yours", items=999, submitter="u"))
    serve(work, 300)
    work.open(line("second", items=100, submitter="me"))

    assert abs(serve(work, 40).count("second") - 20) <= 1


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
    assert turn(work) is None


def test_a_job_that_is_read_anew_takes_its_turn_and_the_old_line_has_none():
    work = backlog(line("a", items=1))
    assert turn(work)
    work.close("a")
    anew = work.open(line("a", items=1))

    assert turn(work) is anew


def test_retries_of_lines_opened_late_and_of_closed_ones_wake_nobody_else():
    late = line("late")
    late.put_off(ready(), START + 1)
    work = backlog(late, line("closed"))
    work.get("closed").put_off(ready(), START + 2)
    work.close("closed")

    assert work.next_due() == START + 1
    assert turn(work, START + 3) is late
    assert work.next_due() is None


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
        first = turn(work, now)
        work.charge(first, seconds=1.0, now=now)
        last[first.order.job] = now

        assert now - min(last.values()) <= patience
