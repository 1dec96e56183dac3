from dataclasses import replace

import pytest

from nodes.domain.scaling import Memory, decide, fail
from nodes.domain.scaling_pictures import Load, Machine, Picture, Rules, Stage

RULES = Rules(minimum=0, maximum=4, target_wait=5, calm=60, cooldown=10, start_timeout=100)
IDLE = Load()


def wait_of(count: int, *, oldest: float = 1, seconds: float = 1, each: int = 1) -> Load:
    """So many subtasks of so many seconds, of which a node runs `each` at once."""
    return Load(count, oldest, count / each, count * seconds / each, seconds)


def machines(*stages: Stage, share: float = 0.0, age: float = 1.0) -> tuple[Machine, ...]:
    return tuple(Machine(f"n{i}", stage, age, share) for i, stage in enumerate(stages))


def look(*stages, load=IDLE, now=1000.0, memory=None, rules=RULES, share=0.0, age=1.0, **picture):
    seen = Picture(now, machines(*stages, share=share, age=age), load, **picture)
    return decide(rules=rules, picture=seen, memory=memory or Memory())


def calm(*stages: Stage, rules: Rules = RULES, share: float = 0.0) -> Memory:
    """What is remembered after a calm period in which this was all that was seen."""
    memory = Memory()
    for second in range(int(rules.calm) + 1):
        seen = Picture(1000 - rules.calm + second, machines(*stages, share=share))
        memory = decide(rules=replace(rules, calm=10**6), picture=seen, memory=memory)[1]
    return memory


READY, STARTING, HELD = Stage.READY, Stage.STARTING, Stage.HELD
DRAINING, DRAINED = Stage.DRAINING, Stage.DRAINED


def test_the_first_job_starts_the_first_node():
    decision, _ = look(load=wait_of(1))

    assert (decision.wanted, decision.start) == (1, 1)
    assert decision.reason == "1 subtask waits, the oldest for 1 s"


def test_as_many_nodes_are_started_as_bring_the_work_to_its_start_in_time():
    decision, _ = look(load=wait_of(15))

    assert decision.start == 3


def test_work_that_is_long_gets_a_slot_each_and_no_more():
    decision, _ = look(READY, load=wait_of(2, seconds=600), share=1.0)

    assert (decision.wanted, decision.start) == (3, 2)


def test_there_are_never_more_than_the_maximum():
    decision, _ = look(READY, READY, HELD, load=wait_of(1000), share=1.0)

    assert (decision.wanted, decision.start) == (4, 1)


def test_those_that_start_already_count():
    decision, _ = look(STARTING, STARTING, STARTING, load=wait_of(15))

    assert decision.start == 0


def test_work_that_existing_nodes_bring_to_its_start_in_time_starts_nothing():
    decision, _ = look(READY, READY, load=wait_of(5), share=0.5)

    assert decision.start == 0


def test_work_that_waits_too_long_although_it_should_not_doubles_the_pool():
    decision, memory = look(READY, READY, load=wait_of(9, oldest=6, seconds=0.01), share=1.0)
    again, _ = look(
        *(READY, READY, STARTING, STARTING),
        load=wait_of(9, oldest=7, seconds=0.01),
        **{"memory": memory, "now": 1011.0, "share": 1.0},
    )

    assert decision.start == 2
    assert decision.reason.endswith("over the target")
    assert again.start == 0


def test_after_a_start_the_next_one_waits_for_the_cool_down():
    _, memory = look(load=wait_of(5))

    soon, _ = look(STARTING, load=wait_of(10), memory=memory, now=1009.0)
    later, _ = look(STARTING, load=wait_of(10), memory=memory, now=1010.0)

    assert (soon.start, later.start) == (0, 1)


def test_the_minimum_is_started_without_work():
    decision, _ = look(READY, rules=replace(RULES, minimum=3))

    assert (decision.start, decision.reason) == (2, "3 at least")


def test_after_a_calm_period_one_node_is_drained():
    decision, _ = look(READY, READY, memory=calm(READY, READY))

    assert decision.drain == ("n0",)
    assert decision.reason == "nothing waits; 0 were enough for 60 s"


def test_a_leader_that_has_not_seen_a_calm_period_drains_nothing():
    decision, _ = look(READY, READY)

    assert decision.drain == ()


def test_the_highest_need_of_the_calm_period_counts():
    memory = calm(READY, READY, READY, share=0.6)

    decision, _ = look(READY, READY, READY, memory=memory)

    assert decision.drain == ("n0",)
    assert decision.wanted == 2


def test_the_one_that_has_least_to_do_goes_first_and_of_those_the_youngest():
    seen = Picture(
        1000.0,
        (
            Machine("busy", READY, 1, 0.5),
            Machine("old", READY, 900, 0.0),
            Machine("young", READY, 10, 0.0),
        ),
    )

    decision, _ = decide(rules=RULES, picture=seen, memory=calm(READY))

    assert decision.drain == ("young",)


def test_one_at_a_time_is_drained_and_then_after_the_cool_down():
    _, memory = look(READY, READY, READY, memory=calm(READY, READY, READY))

    during, _ = look(DRAINING, READY, READY, memory=memory, now=1020.0)
    soon, _ = look(READY, READY, memory=memory, now=1009.0)
    later, _ = look(READY, READY, memory=memory, now=1010.0)

    assert [len(each.drain) for each in (during, soon, later)] == [0, 0, 1]


def test_nothing_goes_below_the_minimum():
    rules = replace(RULES, minimum=2)

    decision, _ = look(READY, READY, memory=calm(READY, READY), rules=rules)

    assert decision.drain == ()


def test_only_what_is_drained_is_removed():
    decision, _ = look(DRAINED, DRAINING, READY)

    assert (decision.remove, decision.give_up) == (("n0",), ())


def test_when_work_comes_back_what_was_leaving_stays_before_anything_is_started():
    decision, _ = look(DRAINED, DRAINING, load=wait_of(15))

    assert (decision.resume, decision.start) == (("n0", "n1"), 1)
    assert decision.remove == ()


def test_more_than_the_maximum_is_brought_down_without_waiting_for_calm():
    decision, _ = look(READY, READY, rules=replace(RULES, maximum=1), share=1.0)

    assert (decision.drain, decision.reason) == (("n0",), "1 at most")


def test_a_node_that_never_came_is_given_up_and_another_one_started_after_a_rest():
    decision, memory = look(STARTING, load=wait_of(1), age=100.0)
    soon, _ = look(load=wait_of(1), memory=memory, now=1004.0)
    later, _ = look(load=wait_of(1), memory=memory, now=1005.0)

    assert (decision.give_up, decision.start) == (("n0",), 0)
    assert (soon.start, later.start) == (0, 1)
    assert "1 start failed, the next in 1 s" in soon.reason


def test_rests_grow_with_each_failure_and_end_with_the_first_node_that_comes():
    memory = Memory()
    rests = []
    for _ in range(9):
        memory = fail(memory, 0.0)
        rests.append(memory.retry_at)
    _, relieved = look(READY, memory=memory)

    assert rests[:3] == [5, 10, 20]
    assert rests[-1] == 300
    assert (relieved.failures, relieved.retry_at < 0) == (0, True)


@pytest.mark.parametrize("stages", [(), (READY, READY), (STARTING,), (DRAINED,)])
def test_on_a_picture_that_is_not_believed_nothing_is_done(stages):
    decision, _ = look(*stages, load=wait_of(9), doubt="the provider does not answer", age=1e6)

    assert decision == type(decision)(0, "the provider does not answer")


def test_with_half_of_the_cluster_away_nothing_is_taken_away_but_more_may_come():
    memory = calm(READY, READY)

    quiet, _ = look(READY, READY, DRAINED, memory=memory, shaky=True)
    late, _ = look(STARTING, age=1e6, shaky=True, load=wait_of(15))

    assert (quiet.drain, quiet.remove) == ((), ())
    assert "half of the cluster is away" in quiet.reason
    assert (late.give_up, late.start) == ((), 2)


def test_nobody_else_s_drain_is_touched():
    decision, _ = look(HELD, READY, memory=calm(HELD, READY))

    assert "n0" not in {*decision.drain, *decision.remove, *decision.resume}


def test_a_clock_that_is_set_back_does_not_stop_it():
    _, memory = look(load=wait_of(1), now=9000.0)

    decision, _ = look(load=wait_of(1), memory=memory, now=1000.0)

    assert decision.start == 1


def test_a_maximum_of_zero_empties_the_pool_whatever_waits():
    decision, _ = look(READY, load=wait_of(9), share=1.0, rules=replace(RULES, maximum=0))

    assert (decision.wanted, decision.drain, decision.start) == (0, ("n0",), 0)


def test_a_drain_that_lasts_holds_up_no_other():
    seen = Picture(1000.0, (Machine("long", DRAINING, 1, 1.0), Machine("idle", READY, 1)))

    decision, _ = decide(rules=RULES, picture=seen, memory=calm(READY))

    assert decision.drain == ("idle",)


def test_where_a_release_proves_itself_nothing_is_drained():
    seen = Picture(1000.0, (Machine("new", READY, 1, pinned=True), Machine("busy", READY, 1, 0.1)))

    decision, _ = decide(rules=RULES, picture=seen, memory=calm(READY))

    assert decision.drain == ("busy",)
