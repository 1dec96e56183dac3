"""Results of parents as the input of their children."""

import json

import pytest

from hive_site.kernel.errors import Invalid
from jobs import inputs, quoting
from jobs.domain.graph import Bond, Feed
from jobs.models import Job
from jobs.services import retry_job, submit_job
from tests.jobs.stage import fresh, states


def succeed(stage, *results):
    """The next bundles end with these results, one each."""
    for result in results:
        spore, bundle = stage.bundle()
        spore.succeed(bundle, result=json.dumps(result))
        stage.read()


def child_of(stage, parent, items, **wish):
    return submit_job(task="demo.echo", items=items, depends_on=[parent.pk], **wish)


def one(parent):
    return {"$result": parent.pk}


def items(job):
    return [json.loads(t) for t in job.subtasks.order_by("index").values_list("item", flat=True)]


def test_a_result_stands_where_it_is_quoted(stage):
    parent = stage.submit()
    child = child_of(
        stage, parent, [one(parent), {"of": [one(parent), 1]}, "plain"], kwargs={"x": one(parent)}
    )

    succeed(stage, {"a": "ü"})

    assert items(child) == [{"a": "ü"}, {"of": [{"a": "ü"}, 1]}, "plain"]
    assert json.loads(fresh(child).kwargs) == {"x": {"a": "ü"}}
    assert fresh(child).state == "queued"


def test_a_child_of_a_job_that_ended_gets_its_result_at_once(stage):
    parent = stage.submit()
    succeed(stage, 7)

    assert items(child_of(stage, parent, [one(parent)])) == [7]


def test_of_many_items_the_result_is_the_list_in_item_order(stage):
    parent = stage.submit(2)
    child = child_of(stage, parent, [one(parent), {"$results": parent.pk}])

    succeed(stage, "first", "second")

    assert items(child) == [["first", "second"]] * 2


def test_all_results_of_one_item_are_a_list_of_one(stage):
    parent = stage.submit()
    child = child_of(stage, parent, [{"$results": parent.pk}])

    succeed(stage, "only")

    assert items(child) == [["only"]]


def test_the_result_of_a_reduction_is_that_of_its_job(stage):
    parent = stage.submit(2, reduce="demo.echo")
    child = child_of(stage, parent, [one(parent), {"$results": parent.pk}])

    succeed(stage, 1, 2, "three")

    assert items(child) == ["three", [1, 2]]


def test_items_that_are_a_result_fan_out_over_it(stage):
    parent = stage.submit()
    child = child_of(stage, parent, one(parent), reduce="demo.echo")
    assert (child.total, states(child)) == (1, ["blocked", "blocked"])

    succeed(stage, ["a", {"b": 2}, None])

    assert (fresh(child).total, states(child)) == (3, ["waiting"] * 3 + ["blocked"])
    assert items(child)[:3] == ["a", {"b": 2}, None]
    stage.hint(child)
    stage.run()
    assert (fresh(child).state, fresh(child).succeeded) == ("succeeded", 3)


def test_fanning_out_over_many_items_takes_their_results(stage):
    parent = stage.submit(2)
    child = child_of(stage, parent, one(parent))

    succeed(stage, "x", "y")

    assert items(child) == ["x", "y"]


def test_fanning_out_over_nothing_is_a_success_of_nothing(stage):
    parent = stage.submit()
    child, reduced = (
        child_of(stage, parent, one(parent)),
        child_of(stage, parent, one(parent), reduce="demo.echo"),
    )

    succeed(stage, [])
    stage.hint(reduced)
    stage.run()

    assert (fresh(child).state, fresh(child).total) == ("succeeded", 0)
    assert (fresh(reduced).state, fresh(reduced).result) == ("succeeded", "1")


@pytest.mark.parametrize(
    ("result", "kind"),
    [({"a": 1}, "an object"), ("text", "a text"), (None, "null"), (5, "a value")],
)
def test_items_that_turn_out_to_be_no_list_fail_the_job_with_the_reason(stage, result, kind):
    parent = stage.submit()
    child = child_of(stage, parent, one(parent))

    succeed(stage, result)

    error = json.loads(fresh(child).error)
    assert (fresh(child).state, fresh(parent).state) == ("failed", "succeeded")
    assert error["type"] == "input"
    assert error["message"] == f"{parent.pk} gave {kind}; items take a list"
    # What never started has no results that anybody could wait for.
    assert retry_job(job_id=child.pk).state == "failed"


def test_too_many_items_fail_the_job_with_the_reason(stage, monkeypatch):
    monkeypatch.setattr(quoting, "MAX_ITEMS", 2)
    parent = stage.submit()
    child = child_of(stage, parent, one(parent))

    succeed(stage, [1, 2, 3])

    assert "gave 3 items; one job takes 2" in fresh(child).error
    assert states(child) == ["cancelled"]


@pytest.mark.parametrize("quote", ["each", "list", "fan"])
def test_no_job_takes_more_than_a_submission_may_hold(stage, monkeypatch, quote):
    monkeypatch.setattr(quoting, "MAX_CHARS", 100)
    parent = stage.submit(2)
    all_of_it = {"$results": parent.pk}
    made = {"each": [all_of_it] * 3, "list": [[all_of_it]], "fan": all_of_it}[quote]
    child = child_of(stage, parent, made)

    succeed(stage, "x" * (20 if quote == "each" else 60), "x" * 60)

    assert "its input would be longer than 100 characters" in fresh(child).error


@pytest.mark.parametrize("field", ["items", "kwargs"])
def test_a_result_counts_each_time_that_it_is_quoted(stage, monkeypatch, field):
    monkeypatch.setattr(quoting, "MAX_CHARS", 1000)
    parent = stage.submit()
    often = [one(parent)] * 20
    wish = {"items": [often]} if field == "items" else {"items": [1], "kwargs": {"x": often}}
    child = submit_job(task="demo.echo", depends_on=[parent.pk], **wish)

    succeed(stage, "x" * 100)

    assert "its input would be longer than 1,000 characters" in fresh(child).error


def test_no_text_is_made_that_is_longer_than_a_job_may_take():
    bond = Bond(parent="job_1", feeds=Feed.INPUT)
    quoted = [0]

    class Parents:
        def text(self, parent, kind):
            quoted[0] += 1
            return "x" * (quoting.MAX_CHARS // 10)

    draft = inputs.Draft("job_2", json.dumps({"x": [{"$result": "job_1"}] * 1000}), [])
    with pytest.raises(quoting.BadInput):
        inputs.fill_in(draft, [bond], Parents())

    assert quoted == [11]


def test_what_failed_is_left_out_of_lists_and_null_by_itself(stage):
    part, whole = stage.submit(2), stage.submit()
    child = submit_job(
        task="demo.echo",
        items=[one(part), one(whole)],
        depends_on=[{"job": job.pk, "allow_failure": True} for job in (part, whole)],
    )

    for fails in (True, False, True):
        spore, bundle = stage.bundle()
        spore.happen(bundle, final=True) if fails else spore.succeed(bundle, result='"good"')
        spore.end(bundle)
        stage.read()

    assert items(child) == [["good"], None]


def test_half_of_a_surrogate_pair_poisons_nobody(stage):
    parent = stage.submit()
    child = child_of(stage, parent, one(parent))

    spore, bundle = stage.bundle()
    spore.succeed(bundle, result='["\\ud800"]')
    stage.read()

    assert (fresh(parent).state, fresh(child).state) == ("succeeded", "queued")


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"items": [{"$result": "nobody"}]}, "items.0"),
        ({"items": [1, {"a": [{"$results": "nobody"}]}]}, "items.1.a.0"),
        ({"items": {"$result": "nobody"}}, "items"),
        ({"kwargs": {"x": {"$result": "nobody"}}}, "kwargs.x"),
        ({"kwargs": {"$result": "nobody"}}, "kwargs"),
        ({"items": [{"$result": 5}]}, "items.0"),
        ({"items": {"$result": "a", "b": 1}}, "items"),
    ],
)
def test_whoever_quotes_nobody_is_refused(stage, wish, field):
    with pytest.raises(Invalid) as caught:
        submit_job(task="demo.echo", depends_on=[stage.submit().pk], **wish)

    assert caught.value.field == field
    assert Job.objects.count() == 1


def test_a_result_that_was_lost_fails_the_child_with_the_reason(stage):
    parent = stage.submit()
    succeed(stage, 7)
    Job.objects.filter(pk=parent.pk).update(result=f"@{'0' * 64}:100000")

    child = child_of(stage, parent, [one(parent)])

    assert child.state == "failed"
    assert json.loads(child.error)["message"].startswith("no value with the SHA-256 000")


def test_what_is_stored_elsewhere_counts_with_its_own_size(stage, monkeypatch):
    monkeypatch.setattr(quoting, "MAX_CHARS", 200_000)
    parent = stage.submit(2)
    child = child_of(stage, parent, one(parent))

    succeed(stage, "x" * 150_000, "y" * 150_000)

    assert json.loads(fresh(child).error)["type"] == "input"
