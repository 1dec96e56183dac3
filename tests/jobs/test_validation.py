from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_site.kernel.errors import Invalid, TooLarge
from jobs import validation
from jobs.domain.bounds import MAX_DELAY_SECONDS, MAX_TIMEOUT_SECONDS
from jobs.registry import Registry, Task
from jobs.validation import MAX_ITEMS, WishFields, check_wish
from tests.jobs.cast import NOW


@pytest.fixture(autouse=True)
def tasks(monkeypatch):
    """Two tasks: one without wishes, one with all of them."""
    made = Registry()
    made.add(Task("app.plain", print))
    picky = {"timeout": 7, "retries": 1, "backoff": (1,), "cache_for": 60, "memory_mb": 100}
    made.add(Task("app.picky", print, **picky))
    made.add(Task("app.once", print, at_most_once=True, gpu=2))
    monkeypatch.setattr(validation, "known_tasks", lambda: made)


def check(task="app.plain", **fields):
    return check_wish({"task": task, **fields}, now=NOW)


def columns(task="app.plain", **fields):
    return check(task, **fields).columns


def test_everything_has_a_default(settings):
    made = columns()

    assert made == {
        **{"task": "app.plain", "queue": "background", "priority": 5, "kwargs": "{}", "reduce": ""},
        **{"timeout": settings.HIVE.task_timeout, "retries": settings.HIVE.max_retries},
        **{"backoff": [2, 8, 32], "idempotent": True, "at_most_once": False, "requires": {}},
        **{"on_error": "collect", "labels": {}, "cache_for": 0, "not_before": None},
        **{"deadline": None, "webhook": "", "task_version": "", "codec": "json"},
        "reduction": None,
    }


def test_none_is_as_good_as_nothing():
    fields = dict.fromkeys(WishFields.__annotations__.keys() - {"task", "items"})

    assert check(**fields) == check()


def test_the_task_says_what_its_jobs_are_like_and_the_wish_has_the_last_word():
    made = columns("app.picky")
    assert (made["timeout"], made["retries"], made["backoff"]) == (7, 1, [1])
    assert (made["cache_for"], made["requires"]) == (60, {"memory_mb": 100})

    made = columns("app.picky", timeout=0.5, retries=0, cache_for=0, requires={"memory_mb": 5})

    assert (made["timeout"], made["retries"], made["cache_for"]) == (0.5, 0, 0)
    assert made["requires"] == {"memory_mb": 5}


def test_at_most_once_is_never_doubled():
    made = columns("app.once")

    assert (made["at_most_once"], made["idempotent"], made["requires"]) == (True, False, {"gpu": 2})


def test_items_become_texts_in_their_order():
    assert check(items=["é", {"b": [1, None]}, 2.5]).items == ['"é"', '{"b":[1,null]}', "2.5"]
    assert check(items=(1, 2)).items == ["1", "2"]
    assert check(items=[]).items == []


def test_without_items_there_is_one_null():
    assert check().items == ["null"]


@pytest.mark.parametrize("items", [None, "abc", {"a": 1}, 5, {1, 2}, iter([1]), range(3)])
def test_items_are_a_list(items):
    with pytest.raises(Invalid) as fact:
        check(items=items)

    assert fact.value.field == "items"


def test_a_job_takes_so_many_items_and_no_more():
    assert len(check(items=[0] * MAX_ITEMS).items) == MAX_ITEMS

    with pytest.raises(TooLarge, match="100,001 items; one job takes 100,000"):
        check(items=[0] * (MAX_ITEMS + 1))


def test_the_well_known_queues_work_whatever_the_settings_call_them(settings):
    settings.HIVE = replace(settings.HIVE, high_priority_queue="express")

    assert columns(queue="high_priority")["queue"] == "express"
    assert columns(queue="express")["queue"] == "express"
    assert columns(queue="background")["queue"] == "background"


def test_a_delay_starts_now():
    assert columns(delay=90)["not_before"] == NOW + timedelta(seconds=90)
    assert columns(delay=0)["not_before"] is None


@pytest.mark.parametrize(
    "value",
    [
        "2030-01-31T12:00:01Z",
        "2030-01-31t12:00:01+00:00",
        "2030-01-31 14:00:01+02:00",
        NOW + timedelta(seconds=1),
        (NOW + timedelta(seconds=1)).astimezone(timezone(timedelta(hours=-5))),
    ],
)
def test_a_deadline_is_a_moment_however_it_is_written(value):
    moment = columns(deadline=value)["deadline"]

    assert (moment, moment.tzinfo) == (NOW + timedelta(seconds=1), UTC)


HUGE = 10**400


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("task", ["", "app.none", 5, ["app.plain"], None]),
        ("reduce", ["", "app.none", 5]),
        ("kwargs", [[], "x", 5, {"a": float("nan")}, {"a": object()}]),
        ("queue", ["", "express", 5, ["background"], {}]),
        ("priority", [-1, 11, 5.0, "5", True, HUGE]),
        ("timeout", [0, -1, "60", True, float("nan"), float("inf"), MAX_TIMEOUT_SECONDS + 1, HUGE]),
        ("cache_for", [-1, "1", False, -HUGE]),
        ("retries", [-1, 1001, 1.0, "3", True, HUGE]),
        ("delay", [-1, "1", float("inf"), MAX_DELAY_SECONDS + 1, HUGE]),
        ("on_error", ["", "shrug", 5, []]),
        ("labels", [[], "x", {"a": 1}, {"1": "x"}]),
        ("depends_on", ["job_1", {"a": 1}, [5], ["a b"], ["job_1"] * 2, [{"job": "a", "x": 1}]]),
        ("webhook", ["", 5, "ftp://example.org/", "http://10.0.0.1/", "http://a:b@example.org/"]),
        (
            "deadline",
            [
                *("soon", "", 5, "2030-01-31", "2030-01-31T12:00:01", "2030-13-31T12:00:01Z"),
                *("2030-01-31T12:00:00Z", "2001-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59"),
                *(NOW, datetime(2031, 1, 1)),
            ],
        ),
    ],
)
def test_what_is_wrong_is_named(field, values, db):
    for value in values:
        with pytest.raises(Invalid) as fact:
            check(**{field: value})

        assert fact.value.field == field, value


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"items": [0, float("inf")]}, "items.1"),
        ({"itmes": []}, "itmes"),
        ({"requires": {"gpus": 1}}, "requires.gpus"),
        ({"requires": {"gpu": -1}}, "requires.gpu"),
    ],
)
def test_the_name_leads_to_the_very_place(fields, where):
    with pytest.raises(Invalid) as fact:
        check(**fields)

    assert fact.value.field == where


LEAVES = st.none() | st.booleans() | st.integers() | st.just(HUGE) | st.floats() | st.text()
ANY = st.recursive(
    LEAVES | st.binary() | st.datetimes(),
    lambda of: st.lists(of, max_size=3) | st.dictionaries(st.text(), of, max_size=3),
    max_leaves=6,
)
WISHES = st.dictionaries(st.sampled_from([*WishFields.__annotations__]) | st.text(), ANY)


@hypothesis.settings(deadline=None)
@given(WISHES, st.sampled_from(["app.plain", "app.picky", "app.once"]))
def test_a_wish_is_taken_or_refused_whatever_it_holds(fields, task):
    with suppress(Invalid):
        made = check_wish({**fields, "task": task}, now=NOW)
        assert 0 <= made.columns["priority"] <= 10
        assert all(isinstance(text, str) for text in made.items)
