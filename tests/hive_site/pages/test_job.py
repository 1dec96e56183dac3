"""A job's page: whole from the server, in whatever state the job and the cluster are."""

import json
import re

import pytest
from django.contrib.admin.models import LogEntry

from jobs.domain.references import Reference
from jobs.models import Job, Subtask
from jobs.services import submit_job
from jobs.subtask_pages import PAGE
from nodes import inbox
from nodes.roles import give_role
from tests.hive_site.pages.scenes import NASTY, TABS, ended_job, error, fail, say

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis")]


def read(client, job: Job, query: str = "") -> str:
    answer = client.get(f"/jobs/{job.pk}/{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def verbs(page: str, job: Job) -> set[str]:
    return set(re.findall(rf'(?:action|href)="/jobs/{job.pk}/(\w+)/[?"]', page))


@pytest.mark.parametrize("tab", TABS)
@pytest.mark.parametrize("make", [ended_job, lambda: submit_job(task="demo.echo", items=[1, 2])])
def test_every_tab_is_whole_without_scripts_of_its_own(admin_client, tab, make):
    page = read(admin_client, make(), f"?tab={tab}")

    assert 'aria-current="page">' + tab.capitalize() in page
    assert not re.search(r"<script(?![^>]* src=)|<style| style=| on[a-z]+=", page)


@pytest.mark.parametrize("tab", TABS)
def test_what_tasks_say_is_text_wherever_it_shows(admin_client, tab):
    job = ended_job(3, failed=1, labels={"a": NASTY}, kwargs=json.dumps({"x": NASTY}))
    Job.objects.filter(pk=job.pk).update(error=error(NASTY, NASTY), result=json.dumps(NASTY))
    job.subtasks.update(item=json.dumps(NASTY), result=json.dumps(NASTY), error=error(NASTY, NASTY))
    row = job.subtasks.first()
    fail(row, number=3, text=error(NASTY, NASTY))
    say(row, f"\x1b[31m{NASTY}\x1b[0m")

    for path in (f"/jobs/{job.pk}/?tab={tab}", f"/jobs/{job.pk}/subtasks/0/"):
        page = admin_client.get(path).content.decode()

        assert "alert(1)" in page
        assert NASTY not in page
        assert "<script>" not in page


@pytest.mark.parametrize("tab", TABS)
def test_no_tab_asks_much_of_the_database(admin_client, django_assert_max_num_queries, tab):
    job = ended_job(200, failed=60)

    with django_assert_max_num_queries(14) as asked:
        read(admin_client, job, f"?tab={tab}")

    assert not any("COUNT(" in query["sql"] for query in asked.captured_queries)


@pytest.mark.parametrize(
    ("state", "offered"),
    [
        ("queued", {"pause", "cancel"}),
        ("running", {"pause", "cancel"}),
        ("paused", {"resume", "cancel"}),
        ("blocked", {"cancel"}),
        ("cancelling", set()),
        ("succeeded", set()),
        ("partial", {"retry"}),
        ("failed", {"retry"}),
        ("cancelled", {"retry"}),
    ],
)
def test_only_verbs_that_make_sense_are_offered(admin_client, state, offered):
    job = submit_job(task="demo.echo")
    Job.objects.filter(pk=job.pk).update(state=state)

    assert verbs(read(admin_client, job), job) == offered


def test_who_may_only_look_is_offered_nothing(client, django_user_model):
    user = django_user_model.objects.create_user("vera")
    give_role(user, "viewer")
    client.force_login(user)
    job = submit_job(task="demo.echo")

    assert verbs(read(client, job), job) == set()


def test_cancelling_says_what_it_would_stop(admin_client):
    job = submit_job(task="demo.echo", items=[1, 2, 3])
    Job.objects.filter(pk=job.pk).update(running=1)
    job.subtasks.filter(index=0).update(state="running", node="spore-1")

    page = read(admin_client, job, "cancel/")

    assert "Stops 1 subtask on 1 node, and drops 2 that wait." in page


def test_what_was_done_to_a_job_is_among_its_events(admin_client):
    job = submit_job(task="demo.echo", submitted_by="ana")
    admin_client.post(f"/jobs/{job.pk}/pause/")

    page = read(admin_client, job, "?tab=events")

    assert "submitted" in page
    assert "by ana" in page
    assert "is paused" in page
    assert LogEntry.objects.count() == 1


def test_failed_subtasks_come_first_and_states_are_links(admin_client):
    job = ended_job(60, failed=2)

    whole = read(admin_client, job)
    failed = read(admin_client, job, "?tab=grid&state=failed")

    assert whole.index("<h2>Failed</h2>") < whole.index("<h2>By item</h2>")
    assert 'href="?tab=grid&amp;state=succeeded"' in whole
    assert re.findall(r'data-key="(\d+)"', failed) == ["0", "1"]


def test_subtasks_and_results_come_in_pages(admin_client):
    job = ended_job(PAGE + 5)

    for tab in ("grid", "results", "input"):
        first = read(admin_client, job, f"?tab={tab}")
        second = read(admin_client, job, f"?tab={tab}&after={PAGE - 1}")

        assert f"?tab={tab}&amp;after={PAGE - 1}" in first
        assert re.findall(r'data-key="(\d+)"', second) == [str(PAGE + n) for n in range(5)]


def test_results_may_come_the_newest_first(admin_client):
    job = ended_job(PAGE + 2)

    first = read(admin_client, job, "?tab=results&order=ended")
    older = re.search(r'href="(\?tab=results&amp;order=ended&amp;before=[\d.]+)"', first)
    second = read(admin_client, job, older[1].replace("&amp;", "&"))

    assert re.findall(r'data-key="(\d+)"', first)[:2] == [str(PAGE + 1), str(PAGE)]
    assert re.findall(r'data-key="(\d+)"', second) == ["1", "0"]


def test_large_values_are_named_and_not_fetched(admin_client):
    job = ended_job(1)
    job.subtasks.update(result=str(Reference("a" * 64, 3_500_000)))
    long = ended_job(1, id="job_long")
    long.subtasks.update(result=json.dumps("x" * 50_000))

    assert "3.3\xa0MB, stored on its own" in read(admin_client, job, "?tab=results")
    page = read(admin_client, long, "?tab=results")
    assert len(page) < 25_000
    assert "/api/v1/jobs/job_long/subtasks/0/" in page


def test_results_download_one_a_line(admin_client):
    job = ended_job(3)

    answer = admin_client.get(f"/jobs/{job.pk}/results.ndjson")
    rows = [json.loads(line) for line in b"".join(answer.streaming_content).splitlines()]

    assert [row["result"] for row in rows] == ["result 0", "result 1", "result 2"]
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{job.pk}.ndjson"'


def test_errors_are_grouped_and_count_tries_that_were_repeated(admin_client):
    job = ended_job(5, failed=2)

    page = read(admin_client, job, "?tab=errors")

    assert "ValueError</span> <small>× 4" in page
    assert page.count('<section class="card">') == 1


def test_the_log_shows_colours_and_follows_from_a_place(admin_client):
    job = ended_job(2)
    first, second = job.subtasks.order_by("index")
    say(first, "\x1b[1;31mred\x1b[0m\x1b]0;title\x07 plain", seq=5)
    last = say(second, "and more", seq=6)

    page = read(admin_client, job, "?tab=log")
    behind = read(admin_client, job, f"?tab=log&after=5.{last.pk - 1}")
    only = read(admin_client, job, "?tab=log&index=0")

    assert '<span class="t-red t-bold">red</span> plain' in page
    assert f'data-end="6.{last.pk}"' in page
    assert "red" not in behind.split('data-part="log"')[1]
    assert "and more" in behind
    assert "and more" not in only


def test_a_job_whose_results_were_deleted_says_so(admin_client):
    job = ended_job(2, kept="row")
    Subtask.objects.all().delete()

    for tab in TABS:
        page = read(admin_client, job, f"?tab={tab}")
        gone = "Its items and results were deleted." in page

        assert gone is (tab != "events")
    assert admin_client.get(f"/jobs/{job.pk}/subtasks/0/").status_code == 410
    assert admin_client.get(f"/jobs/{job.pk}/results.ndjson").status_code == 410


def test_without_a_foreman_the_page_says_what_it_goes_by(admin_client):
    job = submit_job(task="demo.echo")

    assert "No Foreman leads just now" in read(admin_client, job)


def test_without_redis_every_tab_still_shows(admin_client, monkeypatch):
    job = submit_job(task="demo.echo")

    class Away:
        def __getattr__(self, name):
            raise OSError("away")

    for name in ("_client", "_hurried"):
        monkeypatch.setattr(inbox, name, Away())

    for tab in TABS:
        assert "No Foreman leads just now" in read(admin_client, job, f"?tab={tab}")


def test_a_job_that_does_not_exist_is_a_sentence(admin_client):
    answer = admin_client.get("/jobs/none/")

    assert answer.status_code == 404
    assert "no job has the id" in answer.content.decode()


def test_a_job_without_items_says_that_there_was_nothing_to_run(admin_client):
    job = submit_job(task="demo.echo", items=[])

    assert "This job has no items." in read(admin_client, job)


def test_relatives_are_links(admin_client):
    parent = submit_job(task="demo.echo", items=[1])
    child = submit_job(task="demo.echo", items=[1], depends_on=[parent.pk])

    assert f'href="/jobs/{child.pk}/"' in read(admin_client, parent)
    page = read(admin_client, child)
    assert f'href="/jobs/{parent.pk}/"' in page
    assert "it comes after" in page


def test_a_reduction_is_a_part_of_the_head(admin_client):
    job = submit_job(task="text.word_count", items=["bee"], reduce="text.merge_counts")

    page = read(admin_client, job)

    assert f'href="/jobs/{job.pk}/subtasks/1/"' in page
    assert "text.merge_counts" in page


def test_nonsense_in_the_address_is_left_out(admin_client):
    job = ended_job(2)

    for query in ("?tab=x", "?tab=results&after=-3", "?tab=log&index=x&after=1", "?state=9"):
        read(admin_client, job, query)
    read(admin_client, job, "?tab=results&order=ended&before=" + "9" * 30 + ".1")


def test_the_form_of_the_admin_is_filled_in_with_the_same(admin_client):
    job = submit_job(task="demo.stream", items=[3, 4], kwargs={"delay": 0.5}, priority=7)
    link = re.search(r'href="(/admin/jobs/job/add/[^"]+)"', read(admin_client, job))[1]

    form = admin_client.get(link.replace("&amp;", "&")).context["form"]

    assert form["items"].initial == "[3, 4]"
    assert (form["priority"].initial, form["kw-delay"].initial) == (7, 0.5)
