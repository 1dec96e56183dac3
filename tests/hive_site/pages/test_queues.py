"""The page of queues: empty, busy, paused, and when nobody knows."""

import html
import re
from datetime import timedelta

import pytest
from django.utils import timezone

from jobs.models import Job, Queue
from jobs.services import submit_job
from tests.hive_site.pages.cast import markup_of, take_redis_away, tell_queues
from tests.people import browser_of

pytestmark = pytest.mark.django_db
PAGE = "/queues/"
BUSY = {"depth": 900, "oldest_wait": 4.0, "in": 10.0, "out": 100.0, "ages": [300, 600, 0, 0]}


@pytest.fixture
def viewer(redis):
    return browser_of("viewer")


def card_of(page: str, queue: str) -> str:
    """What the page says of one queue."""
    return page[page.index(f'id="queue-{queue}"') :].split("</section>")[0]


def mood_of(page: str, queue: str) -> str:
    return re.search(r'data-mood="(\w+)"', card_of(page, queue))[1]


def test_a_new_hive_teaches_how_to_fill_its_queues(viewer, redis):
    tell_queues(redis)

    page = markup_of(viewer.get(PAGE))

    assert "Nothing was ever submitted here" in page
    assert "manage.py hive submit" in page
    assert mood_of(page, "background") == "empty"


def test_a_busy_queue_says_how_much_waits_how_long_and_when_it_is_empty(viewer, redis):
    tell_queues(redis, background=BUSY)

    card = card_of(markup_of(viewer.get(PAGE)), "background")

    assert 'data-f="depth" data-as="count">900<' in card
    assert 'data-as="span">4.0 s<' in card
    assert 'data-f="in" data-as="rate">10.0<' in card
    assert 'data-f="drain" data-as="span">10 s<' in card
    assert 'data-mood="draining"' in card


def test_a_lane_has_its_oldest_blocks_at_the_way_out(viewer, redis):
    tell_queues(redis, background=BUSY)

    card = card_of(markup_of(viewer.get(PAGE)), "background")

    ages = re.findall(r'<rect x="\d+" width="8" data-age="(\d?)">', card)
    assert len(ages) == 60
    assert ages[-45:] == ["0"] * 15 + ["1"] * 30
    assert 'data-as="count">20</span>' in card


def test_a_queue_that_nothing_leaves_looks_different_from_a_busy_one(viewer, redis):
    starving = {"depth": 3, "oldest_wait": 90.0, "ages": [0, 0, 0, 3]}
    tell_queues(redis, background=BUSY, high_priority=starving)

    page = markup_of(viewer.get(PAGE))

    assert (mood_of(page, "background"), mood_of(page, "high_priority")) == ("draining", "stuck")


def test_the_jobs_that_wait_are_named_and_linked(viewer, redis):
    tell_queues(redis, background={"depth": 2, "ages": [2, 0, 0, 0]})
    job = submit_job(task="demo.echo", items=[1, 2], queue="background")

    page = markup_of(viewer.get(PAGE))

    assert f'href="/jobs/{job.pk}/"' in card_of(page, "background")
    assert job.pk not in card_of(page, "high_priority")
    assert "Nothing was ever submitted" not in page


def test_of_many_jobs_the_oldest_and_the_newest_are_shown(viewer, redis):
    jobs = [submit_job(task="demo.echo", items=[n], queue="background") for n in range(9)]

    card = card_of(markup_of(viewer.get(PAGE)), "background")

    shown = [job.pk in card for job in jobs]
    assert shown == [True] * 3 + [False] * 3 + [True] * 3
    assert "of 9 jobs" in card


def test_without_a_foreman_the_database_is_counted_and_the_page_says_so(viewer, redis):
    submit_job(task="demo.echo", items=[1, 2, 3], queue="background")

    page = markup_of(viewer.get(PAGE))

    assert "No Foreman leads." in page
    assert mood_of(page, "background") == "unknown"
    assert 'data-as="count">3<' in card_of(page, "background")


def test_an_old_picture_is_told_as_old(viewer, redis):
    tell_queues(redis, age=42, background=BUSY)

    page = markup_of(viewer.get(PAGE))

    assert "42 s old" in page
    assert ">900<" not in card_of(page, "background")


def test_without_redis_the_page_still_comes(viewer, redis, monkeypatch):
    submit_job(task="demo.echo", items=[1], queue="background")
    take_redis_away(redis, monkeypatch)

    answer = viewer.get(PAGE)

    assert answer.status_code == 200
    assert "Redis does not answer" in markup_of(answer)
    assert "Nothing was measured" in markup_of(answer)


@pytest.mark.parametrize("window", ["15m", "1h", "24h", "30d"])
def test_the_window_of_the_charts_is_in_the_address(viewer, redis, window):
    page = markup_of(viewer.get(PAGE, {"window": window}))

    assert f'data-window="{window}" aria-current="true"' in page


def test_a_window_that_there_is_not_is_the_shortest(viewer, redis):
    assert 'data-window="15m" aria-current' in markup_of(viewer.get(PAGE, {"window": "<b>"}))


def test_a_nasty_task_name_is_shown_as_text(viewer, redis):
    job = submit_job(task="demo.echo", items=[1], queue="background")
    nasty = "<script>alert(1)</script>"
    Job.objects.filter(pk=job.pk).update(task=nasty)

    page = markup_of(viewer.get(PAGE))

    assert nasty not in page
    assert html.escape(nasty) in page


def test_who_may_only_look_is_offered_no_verb(viewer, redis):
    assert "/queues/background/pause/" not in markup_of(viewer.get(PAGE))


def test_a_paused_queue_is_resumed_and_an_open_one_paused(redis):
    operator = browser_of("operator")
    Queue.objects.create(name="background", paused=True)

    page = markup_of(operator.get(PAGE))

    assert "/queues/background/resume/" in page
    assert "/queues/background/pause/" not in page
    assert "/queues/high_priority/pause/" in page
    assert mood_of(page, "background") == "paused"


def test_pausing_asks_how_much_work_it_holds_up(redis):
    operator = browser_of("operator")
    submit_job(task="demo.echo", items=[1, 2, 3], queue="background")

    page = markup_of(operator.get("/queues/background/pause/"))

    assert "3 subtasks wait there, of 1 job." in page
    assert not Queue.objects.filter(paused=True).exists()


def test_asking_writes_nothing(redis):
    assert browser_of("operator").get("/queues/background/pause/").status_code == 200
    assert not Queue.objects.exists()


def test_a_blocked_job_does_not_wait_in_its_queue(viewer, redis):
    first = submit_job(task="demo.echo", items=[1], queue="background")
    second = submit_job(task="demo.echo", items=[1], queue="background", depends_on=[first.pk])

    assert second.pk not in card_of(markup_of(viewer.get(PAGE)), "background")


def test_a_job_that_ended_is_not_asked_for(viewer, redis, django_assert_max_num_queries):
    job = submit_job(task="demo.echo", items=[1], queue="background")
    late = timezone.now() - timedelta(minutes=1)
    Job.objects.filter(pk=job.pk).update(state="succeeded", succeeded=1, finished_at=late)

    with django_assert_max_num_queries(30):
        page = markup_of(viewer.get(PAGE))

    assert job.pk not in page
