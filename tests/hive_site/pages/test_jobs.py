"""The list of jobs: what the address asks for, and nothing that takes long."""

import re

import pytest

from hive_site.pages.job_filters import JobFilter, read_filter
from jobs.models import Job
from jobs.requirements import MAX_LABELS
from jobs.services import submit_job

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis")]


def read(client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def shown(page: str) -> list[str]:
    return re.findall(r'<tr data-key="([^"]+)"', page)


def test_an_empty_list_teaches_how_to_fill_it(admin_client):
    page = read(admin_client, "/jobs/")

    assert "No jobs yet." in page
    assert "hive submit" in page


def test_jobs_show_the_newest_first(admin_client):
    first, second = (submit_job(task="demo.echo", items=[n]).pk for n in range(2))

    assert shown(read(admin_client, "/jobs/")) == [second, first]


def test_the_address_narrows_the_list_by_state_queue_task_label_and_who(admin_client):
    mine = submit_job(
        task="demo.echo", queue="high_priority", labels={"a": "b"}, submitted_by="ana"
    )
    submit_job(task="demo.sleep", items=[1], labels={"a": "c"})
    Job.objects.filter(pk=mine.pk).update(state="failed")

    for query in ("state=failed", "queue=high_priority", "task=demo.echo", "label.a=b", "who=ana"):
        assert shown(read(admin_client, f"/jobs/?{query}")) == [mine.pk], query
    assert shown(read(admin_client, f"/jobs/?q={mine.pk}")) == [mine.pk]
    assert shown(read(admin_client, "/jobs/?label=a%3Db")) == [mine.pk]


def test_a_filter_that_finds_nothing_says_so_and_leads_back(admin_client):
    page = read(admin_client, "/jobs/?q=nothing")

    assert "No job is like that." in page
    assert 'href="/jobs/"' in page


def test_an_unknown_state_is_named_and_not_asked_for(admin_client):
    job = submit_job(task="demo.echo")

    page = read(admin_client, "/jobs/?state=bored")

    assert "No state is called bored." in page
    assert shown(page) == [job.pk]


def test_older_jobs_are_a_link_away_and_nothing_is_counted(
    admin_client, django_assert_max_num_queries
):
    Job.objects.bulk_create(
        Job(id=f"job_{n:03}", task="demo.echo", queue="background", timeout=1, retries=0)
        for n in range(120)
    )

    with django_assert_max_num_queries(6) as asked:
        page = read(admin_client, "/jobs/")
    older = read(admin_client, "/jobs/?before=job_070")

    assert 'href="?before=job_070" rel="next"' in page
    assert (shown(older)[0], len(shown(older))) == ("job_069", 50)
    assert not any("COUNT(" in query["sql"] for query in asked.captured_queries)


def test_links_keep_what_was_asked_for_and_begin_anew():
    wanted = JobFilter(state="failed", queue="background", before="job_1", labels={"a": "b c"})

    assert wanted.link(queue="") == "?state=failed&label.a=b+c"
    assert ("a=b c", "?state=failed&queue=background") in wanted.asked


def test_what_is_no_label_is_not_asked_for():
    from django.http import QueryDict

    wanted = read_filter(QueryDict("label.1x=1&label.=2&label=;=x&label.ok=1"))

    assert dict(wanted.labels) == {"ok": "1"}


def test_no_address_asks_for_more_labels_than_a_job_may_have(admin_client, api):
    query = "&".join(f"label.a{n}=x" for n in range(900))

    assert read(admin_client, f"/jobs/?{query}").count('class="chip-x"') == MAX_LABELS
    assert api.get(f"/api/v1/jobs/?{query}").status_code == 400


def test_a_label_may_be_called_like_a_method(admin_client):
    job = submit_job(task="demo.echo", labels={"items": "<b>7</b>"})

    for path in ("/jobs/", f"/jobs/{job.pk}/"):
        assert "items=&lt;b&gt;7&lt;/b&gt;" in read(admin_client, path)
