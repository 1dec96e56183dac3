"""Verbs in the admin: they ask, they say what they touch, and they are on record."""

import time

import pytest
from django.contrib.admin.models import LogEntry

from nodes import admin_actions, picture, verbs
from nodes.models import Node
from nodes.services import create_api_key, find_api_key
from tests.people import browser_of

pytestmark = pytest.mark.django_db
NODES = "/admin/nodes/node/"


@pytest.fixture(autouse=True)
def no_waiting(redis, monkeypatch):
    monkeypatch.setattr(verbs, "WAIT_SECONDS", 0)
    see(monkeypatch)


@pytest.fixture
def node():
    return Node.objects.create(name="spore-1")


def see(monkeypatch, **drawn) -> None:
    """What the Foreman draws, for a while."""
    seen = picture.Picture({"at": time.time(), **drawn} if drawn else {})
    monkeypatch.setattr(picture, "_glimpse", (seen, time.monotonic() + 60))


def act(client, action: str, *rows: Node, **more: str):
    body = {"action": action, "_selected_action": [row.pk for row in rows], **more}
    return client.post(NODES, body, follow=True)


def log() -> list[tuple[str, str, str]]:
    rows = LogEntry.objects.order_by("pk")
    return [(row.user.username, row.object_repr, row.get_change_message()) for row in rows]


def test_a_verb_that_stops_work_asks_first_and_says_what_it_touches(
    admin_client, node, monkeypatch
):
    other = Node.objects.create(name="spore-2")
    drawn = {"state": "online", "slots": 4}
    rows = [{"name": f"spore-{n}", "running": n, **drawn} for n in (1, 2, 3)]
    see(monkeypatch, nodes=rows)

    page = act(admin_client, "drain", node, other).content.decode()

    assert "3 subtasks run there now, on 2 nodes with 8 of 12 slots." in page
    assert "1 subtask runs there now, on 1 node with 4 of 12 slots." in page  # each by itself
    assert set(Node.objects.values_list("intent", flat=True)) == {"work"}
    assert log() == []


def test_slots_of_lost_nodes_count_for_nothing(admin_client, node, monkeypatch):
    lost = Node.objects.create(name="spore-2")
    rows = [
        {"name": name, "running": 0, "slots": 4, "state": state}
        for name, state in (("spore-1", "online"), ("spore-2", "lost"))
    ]
    see(monkeypatch, nodes=rows)

    page = act(admin_client, "drain", node, lost).content.decode()

    assert "0 subtasks run there now, on 2 nodes with 4 of 4 slots." in page


def test_without_a_foreman_the_question_says_that_nobody_knows(admin_client, node):
    assert "no Foreman leads just now" in act(admin_client, "drain", node).content.decode()


def test_a_verb_that_is_confirmed_is_done_and_on_record(admin_client, node):
    act(admin_client, "drain", node, confirmed="yes")

    node.refresh_from_db()
    assert node.intent == "drain"
    [(who, what, said)] = log()
    assert (who, what) == ("admin", "spore-1")
    assert said.startswith("is being drained. ")


@pytest.mark.parametrize("action", ["cordon", "resume", "ping"])
def test_what_does_no_harm_is_done_at_once_and_on_record_too(admin_client, node, action):
    act(admin_client, action, node)

    assert [what for _, what, _ in log()] == ["spore-1"]


def test_a_verb_that_is_refused_is_on_no_record(admin_client, node):
    page = act(admin_client, "forget", node, confirmed="yes").content.decode()

    assert "only lost nodes can be deleted" in page
    assert Node.objects.exists()
    assert log() == []


def test_lost_nodes_are_forgotten_and_the_record_keeps_their_names(admin_client, node):
    Node.objects.update(state="lost")

    act(admin_client, "forget", node, confirmed="yes", from_row="yes")

    assert not Node.objects.exists()
    assert [what for _, what, _ in log()] == ["spore-1"]
    assert LogEntry.objects.get().is_deletion()


def test_a_row_has_its_verbs_as_buttons_and_comes_back_to_itself(admin_client, node):
    page = f"{NODES}{node.pk}/change/"
    shown = admin_client.get(page).content.decode()

    answer = act(admin_client, "cordon", node, from_row="yes", index="0")

    assert 'name="action" value="cordon"' in shown
    assert answer.redirect_chain == [(page, 302)]


def test_a_question_from_a_row_comes_back_to_the_row(admin_client, node):
    page = act(admin_client, "drain", node, from_row="yes", index="0").content.decode()

    assert 'name="from_row" value="yes"' in page
    assert f'href="{NODES}{node.pk}/change/"' in page


def test_nobody_acts_on_more_than_can_be_overseen(admin_client, node, monkeypatch):
    monkeypatch.setattr(admin_actions, "AT_ONCE", 1)
    other = Node.objects.create(name="spore-2")

    page = act(admin_client, "cordon", node, other).content.decode()

    assert "These are more than 1" in page
    assert set(Node.objects.values_list("intent", flat=True)) == {"work"}


@pytest.mark.parametrize("action", ["drain", "cordon", "resume", "forget", "ping", "shut_down"])
def test_a_viewer_is_offered_no_verb_and_can_use_none(node, action):
    Node.objects.update(intent="cordon", state="lost")
    viewer = browser_of("viewer")

    list_, row = viewer.get(NODES).content.decode(), viewer.get(f"{NODES}{node.pk}/change/")
    act(viewer, action, node, confirmed="yes")

    assert "spore-1" in list_
    assert f'value="{action}"' not in list_ + row.content.decode()
    assert Node.objects.get().intent == "cordon"
    assert log() == []


def test_an_operator_drains_but_sees_no_way_to_revoke_keys(node):
    key, secret = create_api_key(name="ci", scopes=["read"])
    operator = browser_of("operator")

    act(operator, "drain", node, confirmed="yes")
    body = {"action": "revoke", "_selected_action": [key.pk], "confirmed": "yes"}
    operator.post("/admin/nodes/apikey/", body)

    assert Node.objects.get().intent == "drain"
    assert find_api_key(secret)
    assert operator.get("/admin/nodes/apikey/add/").status_code == 403


def test_revoking_says_when_a_key_was_used_last(admin_client):
    key, secret = create_api_key(name="ci", scopes=["read"])
    path, body = "/admin/nodes/apikey/", {"action": "revoke", "_selected_action": [key.pk]}

    page = admin_client.post(path, body).content.decode()

    assert "1 key works, never used." in page
    assert find_api_key(secret)


def test_people_without_a_role_do_not_come_in(client, django_user_model):
    client.force_login(django_user_model.objects.create_user("ann"))

    assert client.get("/admin/").headers["Location"].startswith("/admin/login/")
