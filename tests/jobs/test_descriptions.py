"""What nodes tell of their tasks."""

import json

import pytest

from jobs.descriptions import describe_all
from jobs.registry import Registry, Task
from nodes import wire


def count(ctx, item: list[int], *, base: int = 10):
    """Counts.

    And more.
    """


def registry(*tasks):
    made = Registry()
    for task in tasks:
        made.add(task)
    return made


def test_a_task_is_told_of_with_all_that_its_submission_takes():
    task = Task("a.count", count, retries=1, capabilities={"z", "b"}, codec="pickle")

    told = wire.read_tasks(describe_all(registry(task)))["a.count"]

    assert told["summary"] == "Counts."
    assert told["schema"]["item"] == {"type": "array", "items": {"type": "integer"}}
    assert told["options"] == json.loads(json.dumps(task.options()))
    assert Task("a.count", count, **told["options"]).options() == told["options"] | {
        "capabilities": ["b", "z"]
    }


def test_the_same_code_makes_the_same_list_in_whatever_order_it_is_imported():
    one, other = Task("a.one", count, labels={"a": "1", "b": "2"}), Task("a.two", count)
    again = Task("a.one", count, labels={"b": "2", "a": "1"})

    assert describe_all(registry(one, other)) == describe_all(registry(other, again))


def odd_default(ctx, item, *, base: float = float("nan")):
    """Has a default that is no JSON."""


def test_a_default_that_is_no_json_costs_the_schema_only():
    told = wire.read_tasks(describe_all(registry(Task("a.odd", odd_default))))

    assert (told["a.odd"]["schema"], told["a.odd"]["options"]["retries"]) == ({}, None)


def test_an_option_that_is_no_json_costs_all_but_the_name():
    odd = Task("a.odd", count, idempotent=object())

    assert wire.read_tasks(describe_all(registry(odd))) == {"a.odd": None}


@pytest.mark.parametrize(("spare", "kept"), [(0, "schema"), (1, "options"), (400, None)])
def test_a_list_that_is_too_long_leaves_out_what_can_be_done_without(spare, kept):
    tasks = registry(Task("a.count", count))
    most = len(describe_all(tasks)) - spare

    told = wire.read_tasks(describe_all(tasks, most=most))

    assert told.keys() == {"a.count"}
    assert {"schema": bool, "options": lambda _: not told["a.count"]["schema"]}.get(
        kept, lambda _: told["a.count"] is None
    )((told["a.count"] or {}).get("schema"))
