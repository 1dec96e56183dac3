"""The overview: whole without a script, in every state of the cluster."""

import json
import re

import pytest
from django.utils import timezone

from jobs.models import Job, Queue
from jobs.services import submit_job
from nodes import wire
from nodes.models import Node
from tests.hive_site.live.cast import draw_node
from tests.hive_site.pages.cast import show_picture, take_redis_away, text_of

pytestmark = pytest.mark.django_db
NASTY = '"><script>alert(1)</script>'


def remember(redis, *seconds):
    """What the cluster did in the last seconds: succeeded and failed."""
    now = timezone.now().timestamp()
    for n, (succeeded, failed) in enumerate(seconds):
        values = [succeeded, failed, *[0.0] * 9]
        record = {"at": now - len(seconds) + n, "cluster": values}
        redis.rpush(wire.SECONDS, json.dumps(record))


def test_the_head_line_tells_nodes_slots_and_who_leads(admin_client, redis):
    show_picture(redis, draw_node("a"), draw_node("b", state="lost"), draw_node("c", running=2))

    text = text_of(admin_client.get("/"))

    assert "2 online" in text
    assert "1 lost" in text
    assert "3 of 4 slots busy" in text
    assert "Foreman leading here , epoch 3" in text


def test_cards_tell_what_goes_on_and_lead_to_where_one_acts(admin_client, redis):
    show_picture(redis, draw_node())
    remember(redis, (9, 1), (9, 1), (10, 0))

    answer = admin_client.get("/")

    assert "Throughput 2.0" in text_of(answer)
    assert "Queue depth 3" in text_of(answer)
    assert "Oldest wait 4.2 s" in text_of(answer)
    assert "Failure rate 6.7 %" in text_of(answer)
    assert 'href="/jobs/?state=failed">Failure rate' in answer.content.decode()


def test_who_is_needed_reads_the_cause_and_what_to_do(admin_client, redis):
    show_picture(redis, draw_node())
    Queue.objects.create(name="background", paused=True)

    answer = admin_client.get("/")

    assert "background is paused 3 subtasks wait in it Resume" in text_of(answer)
    assert 'href="/queues/background/resume/?next=/"' in answer.content.decode()


def test_who_is_not_needed_reads_a_calm_sentence(admin_client, redis):
    show_picture(redis, draw_node())

    page = admin_client.get("/").content.decode()

    assert re.search(r"data-calm>Nothing\.", page)


def test_without_a_foreman_the_overview_says_so(admin_client, redis):
    Node.objects.create(name="spore-1")

    text = text_of(admin_client.get("/"))

    assert "Foreman away" in text
    assert "No Foreman leads" in text
    assert "python manage.py foreman" in text


def test_an_old_picture_is_shown_with_its_age(admin_client, redis):
    show_picture(redis, draw_node(), age=41)

    text = text_of(admin_client.get("/"))

    assert "Foreman away" in text
    assert "picture 41 s old" in text


def test_while_redis_is_away_the_database_is_shown(admin_client, redis, monkeypatch):
    Node.objects.create(name="spore-1")
    take_redis_away(redis, monkeypatch)

    answer = admin_client.get("/")

    assert "Redis is away" in text_of(answer)
    assert "/nodes/spore-1/" in answer.content.decode()


def test_without_a_history_the_chart_says_why(admin_client, redis):
    assert "No history yet" in text_of(admin_client.get("/"))


def test_jobs_under_way_come_with_a_bar_and_the_ended_ones_below(admin_client, redis):
    show_picture(redis, draw_node())
    ended, open_ = (submit_job(task="demo.echo", items=[1, 2]) for _ in range(2))
    Job.objects.filter(pk=ended.pk).update(
        state="succeeded", succeeded=2, finished_at=timezone.now()
    )

    answer = admin_client.get("/")

    text, page = text_of(answer), answer.content.decode()
    assert text.index(open_.pk) < text.rindex("Ended") < text.index(ended.pk)
    assert 'aria-label="2 of 2 succeeded, 0 failed"' in page


@pytest.mark.parametrize("window", ["15m", "1h", "24h", "nonsense"])
def test_the_window_of_the_chart_is_in_the_address(admin_client, redis, window):
    page = admin_client.get(f"/?window={window}").content.decode()

    chosen = "15m" if window == "nonsense" else window
    assert f'data-window="{chosen}" aria-current="true"' in page


def test_cells_are_coloured_and_grouped_as_the_address_says(admin_client, redis):
    show_picture(redis, draw_node("a", cpu=0.99), draw_node("b", labels={}))

    page = admin_client.get("/?color=cpu&group=site").content.decode()

    assert 'data-color="cpu" aria-current="true"' in page
    assert re.search(r'data-name="a"[^>]* data-level="4"', page)
    assert re.findall(r'<section data-name="(\w+)"', page) == ["lab", "without"]
    assert "1 node, 1 of 2 slots busy" in page
    assert "/nodes/?label=site%3Dlab" in page


def test_the_matrix_is_also_a_table(admin_client, redis):
    show_picture(redis, draw_node("a"))

    answer = admin_client.get("/?view=table")

    assert "data-matrix" not in answer.content.decode()
    assert "a online 1 of 2 12 % 50 % 1" in text_of(answer)


def test_thousands_of_nodes_are_one_cell_for_each_group(admin_client, redis):
    labels = [{"site": f"s{n % 3}"} for n in range(2001)]
    show_picture(redis, *(draw_node(f"n{n}", labels=each) for n, each in enumerate(labels)))

    answer = admin_client.get("/")

    assert answer.content.decode().count("<section data-name=") == 3
    assert "667 nodes, 667 of 1,334 slots busy" in text_of(answer)
    assert "One cell for each group, as there are 2,001 nodes" in text_of(answer)
    assert 'href="/nodes/n1/"' not in answer.content.decode()


def test_nothing_that_a_node_says_is_taken_for_markup(admin_client, redis):
    show_picture(
        redis,
        draw_node("a", reason=NASTY, release=NASTY, labels={"site": NASTY, NASTY: "x"}),
    )

    for query in ("", "?group=site", "?color=version", "?view=table&group=site"):
        page = admin_client.get(f"/{query}").content.decode()
        assert "<script>alert" not in page
        assert not re.search(r"<script(?![^>]* src=)|<style| style=| on[a-z]+=", page)


def test_an_empty_overview_teaches_how_to_fill_it(admin_client, redis):
    page = admin_client.get("/").content.decode()

    assert "manage.py rqworker" in page
    assert "hive submit" in page
