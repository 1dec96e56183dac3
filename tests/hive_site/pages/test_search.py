"""Finding one thing by what one remembers of it."""

import html

import pytest
from django.db import connection

from jobs.services import submit_job
from nodes.models import Node
from ota.models import Rollout
from tests.hive_site.pages.cast import markup_of
from tests.ota.cast import make_release
from tests.people import browser_of

pytestmark = pytest.mark.django_db
NASTY = '"><script>alert(1)</script>'


@pytest.fixture
def search(redis):
    viewer = browser_of("viewer")
    return lambda words: viewer.get("/search/", {"q": words})


@pytest.fixture
def job(redis):
    return submit_job(task="demo.echo", items=[1])


def test_without_words_it_says_what_can_be_found(search):
    assert "What are you looking for?" in markup_of(search("  "))


def test_an_exact_id_is_opened_at_once(search, job):
    assert search(f" {job.pk} ").headers["Location"] == f"/jobs/{job.pk}/"


def test_an_exact_name_of_a_node_is_opened_at_once(search):
    Node.objects.create(name="spore-7")

    assert search("spore-7").headers["Location"] == "/nodes/spore-7/"


def test_an_exact_id_of_a_rollout_is_opened_at_once(search):
    rollout = Rollout.objects.create(release=make_release())

    assert search(rollout.pk).headers["Location"] == f"/rollouts/{rollout.pk}/"


def test_the_beginning_of_an_id_finds_it(search, job):
    assert job.pk in markup_of(search(job.pk[:12]))


def test_the_beginning_of_a_task_finds_its_jobs(search, job):
    assert job.pk in markup_of(search("demo.ec"))


def test_any_part_of_a_nodes_name_finds_it(search):
    Node.objects.create(name="rack-3-spore-7", state="lost", reason="silent for 45 s")

    page = markup_of(search("Spore"))

    assert "rack-3-spore-7" in page
    assert "silent for 45 s" in page


def test_the_beginning_of_a_version_finds_its_rollouts(search):
    rollout = Rollout.objects.create(release=make_release("1.4.2"))

    assert f'href="/rollouts/{rollout.pk}/"' in markup_of(search("1.4"))


def test_nothing_found_says_how_to_look(search):
    page = markup_of(search("no such thing"))

    assert "Nothing is called “no such thing”." in page
    assert "any part of their name" in page


past_the_gate = pytest.mark.skipif(
    connection.vendor == "postgresql",
    reason="the gate refuses NUL characters, which PostgreSQL does not take",
)


@pytest.mark.parametrize(
    "words",
    [
        pytest.param("\0", marks=past_the_gate),
        pytest.param("a\0b", marks=past_the_gate),
        *("%", "_", "' or 1=1 --", "x" * 10_000, "🐝", "\ud83d", NASTY),
    ],
)
def test_nasty_words_find_nothing_and_break_nothing(search, job, words):
    answer = search(words.encode("utf-8", "surrogatepass"))

    assert answer.status_code == 200
    assert job.pk not in markup_of(answer)


def test_words_are_shown_as_text(search):
    page = markup_of(search(NASTY))

    assert NASTY not in page
    assert html.escape(NASTY) in page


def test_a_part_of_a_task_in_capitals_is_no_wildcard(search, job):
    assert job.pk not in markup_of(search("demo%echo"))
