"""Plans under limits of tasks."""

from datetime import timedelta

from jobs.domain.limits import LAG_SECONDS, Limit, Rate
from nodes.domain.placement import Demand
from tests.jobs.cast import NOW, line, ready, roster
from tests.jobs.desk import Desk, subtasks


def limited(desk, **limits):
    desk.limiter.adopt({f"demo.{task}": limit for task, limit in limits.items()}, NOW.timestamp())
    return desk


def test_no_more_bundles_are_in_flight_than_may_run_at_once():
    first, second = line("a", items=9, task="demo.few"), line("b", items=9, task="demo.few")
    desk = limited(Desk(first, second), few=Limit(concurrency=3))

    planned = desk.plan(roster(nodes=10))

    assert len(planned) == 3
    assert {sent.job for sent in planned} == {"a", "b"}
    assert second.awaiting_room == "limit of 3 at once for demo.few"
    desk.finish(planned[0])
    assert len(desk.plan(roster(nodes=10))) == 1


def test_who_is_limited_holds_nobody_else_up():
    few = line("few", items=9, task="demo.few", priority=10)
    desk = limited(Desk(few, line("plain", items=9)), few=Limit(concurrency=1))

    planned = desk.plan(roster(nodes=4))

    assert [sent.job for sent in planned] == ["few", "plain", "plain", "plain"]


def test_limited_work_does_not_use_its_limit_up_behind_the_work_of_others():
    desk = limited(Desk(line("few", items=99, task="demo.few")), few=Limit(concurrency=9))
    desk.pace.learn("demo.few", 0.001)

    assert len(desk.plan(roster(nodes=2))) == 2
    assert desk.plan(roster(nodes=2)) == []


def test_no_more_items_start_than_the_rate_lets():
    work = line(items=500, task="demo.slow")
    desk = limited(Desk(work), slow=Limit(rate=Rate(25, "second")))
    desk.pace.learn("demo.slow", 0.01)

    first = subtasks(desk.plan(roster(nodes=10)))
    assert len(first) == 25
    assert work.awaiting_room == "limit of 25/second for demo.slow"
    assert desk.plan(roster(nodes=20), NOW + timedelta(seconds=0.9)) == []
    later = NOW + timedelta(seconds=1.1 + LAG_SECONDS)

    assert len(subtasks(desk.plan(roster(nodes=20), later))) == 25


def test_a_reduction_heeds_the_limit_of_its_own_task_and_not_of_the_items():
    work = line(items=[ready(9, reduce=True)], task="demo.few", reduce="demo.merge")
    busy = line("busy", items=1, task="demo.few")
    desk = limited(Desk(busy, work), few=Limit(concurrency=1), merge=Limit(concurrency=1))

    planned = desk.plan(roster(nodes=3))

    assert sorted(sent.task for sent in planned) == ["demo.few", "demo.merge"]


def test_an_unplaceable_job_uses_up_no_limit():
    picky = line("picky", items=3, task="demo.few", priority=10, demand=Demand(gpu=1))
    desk = limited(Desk(picky, line("a", items=3, task="demo.few")), few=Limit(concurrency=2))

    assert [sent.job for sent in desk.plan(roster(nodes=5))] == ["a", "a"]
