"""The list of nodes: what it shows, and what its address asks for."""

import re

import pytest
from django.utils import timezone

from nodes.models import Node
from tests.hive_site.live.cast import draw_node
from tests.hive_site.pages.cast import show_picture, take_redis_away, text_of

pytestmark = pytest.mark.django_db
NASTY = '"><script>alert(1)</script>'


def names(answer):
    return re.findall(r'<tr data-key="([^"]+)"', answer.content.decode())


def test_without_nodes_the_list_teaches_how_to_start_one(admin_client, redis):
    text = text_of(admin_client.get("/nodes/"))

    assert "No Spores yet" in text
    assert "manage.py rqworker --name" in text
    assert "manage.py hive invite" in text


def test_a_row_tells_state_reason_slots_loads_release_labels(admin_client, redis):
    Node.objects.create(name="a", own_labels={"site": "lab"}, slots=2)
    show_picture(redis, draw_node("a", reason="well"))

    answer = admin_client.get("/nodes/")

    assert "a online 1 of 2 12 % 50 % 1 site=lab now well" in text_of(answer)
    assert "/nodes/?label=site%3Dlab" in answer.content.decode()


def test_a_label_may_be_called_anything(admin_client, redis):
    Node.objects.create(name="a", own_labels={"items": "many", "keys": "few"})

    for path in ("/nodes/", "/nodes/a/", "/?group=items", "/?group=keys&view=table"):
        assert "many" in text_of(admin_client.get(path)) or "few" in text_of(admin_client.get(path))


def test_filters_and_sorting_are_in_the_address(admin_client, redis):
    Node.objects.create(name="a", state="lost", cpu=0.1)
    Node.objects.create(name="b", state="lost", cpu=0.9)
    Node.objects.create(name="c", own_labels={"gpu": "1"})

    assert names(admin_client.get("/nodes/?state=lost&sort=-cpu")) == ["b", "a"]
    assert names(admin_client.get("/nodes/?label=gpu")) == ["c"]
    assert "1 of 3" in text_of(admin_client.get("/nodes/?q=c"))
    assert "No node fits that" in text_of(admin_client.get("/nodes/?q=zzz"))


def test_links_of_a_filtered_list_keep_the_filter(admin_client, redis):
    Node.objects.create(name="a", state="lost")

    page = admin_client.get("/nodes/?state=lost&q=a").content.decode()

    assert 'href="?state=lost&amp;q=a&amp;sort=cpu"' in page


def test_a_thousand_nodes_are_a_hundred_rows_and_few_queries(
    admin_client, redis, django_assert_max_num_queries
):
    Node.objects.bulk_create(Node(name=f"n{n:04}", last_seen=timezone.now()) for n in range(1000))
    show_picture(redis, *(draw_node(f"n{n:04}") for n in range(1000)))

    with django_assert_max_num_queries(12):
        answer = admin_client.get("/nodes/?page=10")

    assert len(names(answer)) == 100
    assert "page 10 of 10" in text_of(answer)


def test_a_lost_node_says_when_it_was_seen(admin_client, redis):
    Node.objects.create(name="a", state="lost", reason="silent for 45 s", last_seen=timezone.now())

    text = text_of(admin_client.get("/nodes/"))

    assert re.search(r"lost .* \d\.\d s ago silent for 45 s", text)


def test_without_a_foreman_the_list_says_how_old_it_is(admin_client, redis):
    show_picture(redis, draw_node("a"), age=90)
    Node.objects.create(name="a")

    text = text_of(admin_client.get("/nodes/"))

    assert "No Foreman leads" in text
    assert "1 min 30 s old" in text


def test_while_redis_is_away_the_list_is_what_the_database_remembers(
    admin_client, redis, monkeypatch
):
    Node.objects.create(name="a")
    take_redis_away(redis, monkeypatch)

    answer = admin_client.get("/nodes/")

    assert "Redis does not answer" in text_of(answer)
    assert names(answer) == ["a"]


def test_nothing_that_a_node_says_is_taken_for_markup(admin_client, redis):
    Node.objects.create(name="a", reason=NASTY, own_labels={"site": NASTY}, release=NASTY)

    for path in ("/nodes/", f"/nodes/?q={NASTY}", f"/nodes/?label={NASTY}", "/nodes/a/"):
        page = admin_client.get(path).content.decode()
        assert "<script>alert" not in page
        assert not re.search(r"<script(?![^>]* src=)|<style| style=| on[a-z]+=", page)
