"""Jobs that wait for others: let go, ended and started again with them."""

import json
from datetime import timedelta

import pytest

from hive_site.kernel.errors import Conflict, Invalid
from jobs.invariants import check_database
from jobs.models import Edge, Job, Subtask
from jobs.services import cancel_job, delete_job, release_subtask, retry_job, submit_job
from tests.jobs.stage import fresh, states


def after(stage, *parents, items=1, **wish):
    """A job that waits for others."""
    return stage.submit(
        items, depends_on=[p if isinstance(p, dict) else p.pk for p in parents], **wish
    )


def may_fail(parent):
    return {"job": parent.pk, "allow_failure": True}


def fail(stage, kind="fail"):
    """Whatever is sent next fails for good."""
    spore, bundle = stage.bundle()
    spore.happen(bundle, kind, final=True)
    spore.end(bundle)
    stage.read()


def error(job):
    return json.loads(fresh(job).error)


def test_a_job_waits_for_all_its_parents(stage):
    first, second = stage.submit(), stage.submit()
    child = after(stage, first, second, items=2)
    assert (fresh(child).state, states(child)) == ("blocked", ["blocked", "blocked"])
    assert child.depends_on == [first.pk, second.pk]

    spore, bundle = stage.bundle()
    spore.succeed(bundle)
    stage.read()
    assert fresh(child).state == "blocked"
    stage.run()

    assert [fresh(job).state for job in (first, second, child)] == ["succeeded"] * 3


def test_parents_that_succeeded_count_at_once(stage):
    parent = stage.submit()
    stage.run()

    child = after(stage, parent)

    assert (child.state, states(child)) == ("queued", ["waiting"])


def test_a_job_whose_parent_failed_ends_with_it_and_so_on_down_the_graph(stage):
    parent = stage.submit()
    child = after(stage, parent, reduce="demo.echo")
    other = after(stage, child)
    spared = after(stage, may_fail(child))

    fail(stage)

    assert [fresh(job).state for job in (child, other)] == ["failed", "failed"]
    assert states(child) == ["cancelled", "cancelled"]
    assert error(child)["type"] == "parent_failed"
    assert error(child)["message"] == f"it needs {parent.pk}, which failed: no"
    assert error(other)["message"].startswith(f"it needs {child.pk}, which failed: it needs")
    assert fresh(spared).state == "queued"


def test_a_failed_parent_ends_a_job_though_another_one_still_runs(stage):
    bad = stage.submit()
    child = after(stage, bad, stage.submit())

    fail(stage)

    assert fresh(child).state == "failed"


def test_a_parent_that_succeeded_in_part_has_failed_unless_that_is_allowed(stage):
    parent = stage.submit(2)
    child, spared = after(stage, parent), after(stage, may_fail(parent))

    fail(stage)
    stage.run()

    assert fresh(parent).state == "partial"
    assert "succeeded only in part: 1 of 2 subtasks failed" in error(child)["message"]
    assert (fresh(child).state, fresh(spared).state) == ("failed", "succeeded")


def test_a_cancelled_parent_cancels_its_children_with_the_reason(stage):
    parent = stage.submit()
    child, spared = after(stage, parent), after(stage, may_fail(parent))

    cancel_job(job_id=parent.pk)
    stage.hint(parent, "cancel")

    assert (fresh(child).state, fresh(spared).state) == ("cancelled", "queued")
    assert error(child) == {
        "type": "parent_cancelled",
        "message": f"it needs {parent.pk}, which was cancelled",
        "traceback": "",
    }


def test_a_failed_parent_at_submission_ends_the_job_before_it_begins(stage):
    parent = stage.submit()
    fail(stage)

    assert submit_job(task="demo.echo", depends_on=[parent.pk]).state == "failed"


def test_unknown_parents_are_refused_and_nothing_is_stored(stage):
    with pytest.raises(Invalid, match="no job has the id 'job_none'") as caught:
        submit_job(task="demo.echo", depends_on=["job_none"])

    assert caught.value.field == "depends_on"
    assert not Job.objects.exists()


def test_a_new_leader_lets_go_what_nobody_did(stage):
    """As if a child had been stored in the very moment in which its parent ended."""
    parent = stage.submit()
    child = after(stage, parent)
    stage.run()
    block(child)

    stage.take_over()
    stage.run()

    assert fresh(child).state == "succeeded"


@pytest.mark.parametrize("how", ["hint", "poll"])
def test_what_slipped_through_is_found_when_its_foreman_looks(stage, how):
    parent = stage.submit()
    child = after(stage, parent)
    stage.run()
    block(child)
    assert check_database() == [], "it may be about to be settled"
    Job.objects.filter(pk=parent.pk).update(finished_at=stage.now - timedelta(minutes=5))
    assert [v.rule for v in check_database()] == ["I5"]

    stage.hint(child) if how == "hint" else stage.tidy(after=6)
    stage.run()

    assert fresh(child).state == "succeeded"


def block(job):
    Job.objects.filter(pk=job.pk).update(state="blocked", succeeded=0, finished_at=None)
    Subtask.objects.filter(job=job).update(state="blocked", attempt=0, attempts=0, result=None)
    Edge.objects.filter(child=job).update(passed=False)


def test_a_blocked_job_can_be_cancelled_and_takes_its_children_along(stage):
    child = after(stage, stage.submit())
    grandchild = after(stage, child)

    cancel_job(job_id=child.pk)
    stage.hint(child, "cancel")

    assert [fresh(job).state for job in (child, grandchild)] == ["cancelled", "cancelled"]


def test_a_deadline_ends_a_job_that_still_waits(stage):
    parent = stage.submit()
    child = after(stage, parent, deadline=stage.now + timedelta(seconds=5))

    stage.tidy(after=6)
    stage.tidy(after=1)

    assert (fresh(child).state, error(child)["type"]) == ("failed", "deadline")
    assert fresh(parent).state == "queued"


def test_a_job_of_no_items_ends_when_it_is_let_go(stage):
    parent = stage.submit()
    empty, reduced = (
        after(stage, parent, items=0),
        after(stage, parent, items=0, reduce="demo.echo"),
    )
    grandchild = after(stage, empty)
    assert (fresh(empty).state, states(reduced)) == ("blocked", ["blocked"])

    stage.run()

    assert [fresh(job).state for job in (empty, reduced, grandchild)] == ["succeeded"] * 3


def test_cancelling_a_blocked_job_of_no_items_is_no_success(stage):
    empty = after(stage, stage.submit(), items=0)

    cancel_job(job_id=empty.pk)
    stage.hint(empty, "cancel")

    assert fresh(empty).state == "cancelled"


def test_retrying_a_parent_lets_its_children_run_again(stage):
    parent = stage.submit()
    child = after(stage, parent)
    grandchild = after(stage, child)
    fail(stage)

    retry_job(job_id=parent.pk)
    assert [fresh(job).state for job in (child, grandchild)] == ["blocked", "blocked"]
    stage.hint(parent)
    stage.run()

    assert [fresh(job).state for job in (parent, child, grandchild)] == ["succeeded"] * 3


def test_a_child_of_two_failed_parents_waits_until_both_are_retried(stage):
    one, two = stage.submit(), stage.submit()
    child = after(stage, one, two)
    fail(stage)
    fail(stage)

    retry_job(job_id=one.pk)
    assert fresh(child).state == "failed"
    retry_job(job_id=two.pk)

    assert fresh(child).state == "blocked"


def test_a_child_that_somebody_cancelled_stays_so_when_its_parent_is_retried(stage):
    parent = stage.submit()
    child = after(stage, parent)
    cancel_job(job_id=child.pk)
    stage.hint(child, "cancel")
    fail(stage)

    retry_job(job_id=parent.pk)

    assert fresh(child).state == "cancelled"
    assert retry_job(job_id=child.pk).state == "blocked"


def test_a_child_is_not_retried_before_its_parent(stage):
    parent = stage.submit()
    child = after(stage, parent)
    fail(stage)

    with pytest.raises(Conflict, match=f"retry {parent.pk}, and this one runs again after it"):
        retry_job(job_id=child.pk)

    assert fresh(child).state == "failed"


def test_a_job_that_ended_while_it_waited_goes_at_once_if_its_parents_succeeded_since(stage):
    parent = stage.submit()
    child = after(stage, parent)
    cancel_job(job_id=child.pk)
    stage.hint(child, "cancel")
    stage.run()

    assert retry_job(job_id=child.pk).state == "queued"


def test_a_job_that_ran_does_not_wait_again(stage):
    parent = stage.submit()
    child = after(stage, parent)
    spore, bundle = stage.bundle()
    spore.succeed(bundle)
    stage.read()
    fail(stage)

    assert retry_job(job_id=child.pk).state == "queued"


def test_a_released_subtask_gives_the_children_another_chance(stage):
    parent = stage.submit()
    child = after(stage, parent)
    fail(stage)
    Subtask.objects.filter(job=parent).update(state="quarantined")

    release_subtask(job_id=parent.pk, index=0)

    assert fresh(child).state == "blocked"


def test_a_parent_is_kept_as_long_as_somebody_waits_for_its_results(stage):
    done, open_ = stage.submit(), stage.submit()
    child = after(stage, done, open_)
    spore, bundle = stage.bundle()
    spore.succeed(bundle)
    stage.read()

    with pytest.raises(Conflict, match=f"job {child.pk} takes the results"):
        delete_job(job_id=done.pk)
    stage.run()
    delete_job(job_id=done.pk)

    assert not Job.objects.filter(pk=done.pk).exists()


def test_of_a_deleted_parent_it_is_said_so(stage):
    parent = stage.submit()
    child = after(stage, parent)
    fail(stage)
    delete_job(job_id=parent.pk)

    with pytest.raises(Conflict, match="which was deleted"):
        retry_job(job_id=child.pk)


def test_a_thousand_parents_cost_one_look_each_time_one_ends(stage, django_assert_max_num_queries):
    parents = [stage.submit() for _ in range(20)]
    child = after(stage, *parents)
    spore, bundle = stage.bundle()
    spore.succeed(bundle)

    with django_assert_max_num_queries(12):
        stage.read()

    assert fresh(child).state == "blocked"


def test_many_children_are_let_go_in_few_statements(stage, django_assert_max_num_queries):
    parent = stage.submit()
    children = [after(stage, parent) for _ in range(30)]
    spore, bundle = stage.bundle()
    spore.succeed(bundle)

    with django_assert_max_num_queries(18):
        stage.read()

    assert {fresh(child).state for child in children} == {"queued"}
