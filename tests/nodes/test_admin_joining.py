"""Invitations and keys of nodes in the admin."""

import re
import shlex
from dataclasses import replace

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone

from nodes.invitations import Wish, digest, invite, redeem
from nodes.joining_models import Invite, NodeCredential
from nodes.models import Node
from tests.people import browser_of

pytestmark = pytest.mark.django_db
INVITES, NODES = "/admin/nodes/invite/", "/admin/nodes/node/"
FORM = {
    "name": "gpu-1",
    "ttl": "3600",
    "slots": "4",
    "labels": '{"site": "lab"}',
    "capabilities": '["ffmpeg"]',
    "channels": ["stable"],
}


@pytest.fixture(autouse=True)
def alone(redis, settings):
    settings.HIVE = replace(settings.HIVE, redis_acl="off", nexus_url="https://hive.example")


def made(**wish):
    return invite(Wish(**wish), ttl=60, who="ann", now=timezone.now())


def messages(answer) -> str:
    return " ".join(str(message) for message in answer.context["messages"])


def test_an_admin_makes_one_and_sees_its_line_once():
    browser = browser_of("admin")

    answer = browser.post(f"{INVITES}add/", FORM, follow=True)

    line = re.search(r"python manage\.py hive join .*?hivejoin_\S+", messages(answer))
    row = Invite.objects.get()
    assert line
    assert digest(shlex.split(line[0])[7]) == row.digest
    facts = (row.name, row.slots, row.labels, row.capabilities, row.made_by)
    assert facts == ("gpu-1", 4, {"site": "lab"}, ["ffmpeg"], "admin")
    assert "hivejoin_" not in browser.get(INVITES).content.decode()


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("name", "a b", "letters, digits"),
        ("slots", "0", "1 to 256"),
        ("labels", '{"1": "x"}', "a name is a letter"),
        ("capabilities", "[7]", "no capability"),
        ("channels", [], "required"),
    ],
)
def test_what_no_node_can_be_is_said_beside_the_field(field, value, said):
    answer = browser_of("admin").post(f"{INVITES}add/", {**FORM, field: value})

    assert answer.status_code == 200
    assert said in " ".join(answer.context["adminform"].form.errors[field])
    assert not Invite.objects.exists()


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_nobody_else_hands_out_access(role):
    browser = browser_of(role)

    assert browser.get(INVITES).status_code == 200
    assert browser.post(f"{INVITES}add/", FORM).status_code == 403
    assert "withdraw" not in browser.get(INVITES).content.decode()
    assert not Invite.objects.exists()


def test_one_that_was_not_used_is_withdrawn_and_that_is_on_record():
    row, _ = made(name="gpu-1")
    body = {"action": "withdraw", "_selected_action": [row.pk]}
    browser = browser_of("admin")

    asked = browser.post(INVITES, body)
    browser.post(INVITES, {**body, "confirmed": "yes"})

    row.refresh_from_db()
    assert "Nobody joins with it any more" in asked.content.decode()
    assert row.withdrawn_at
    assert LogEntry.objects.get().get_change_message().startswith("was withdrawn")


def test_a_node_s_page_says_by_which_key_it_is_known():
    _, token = made(name="gpu-1")
    redeem(token, nonce="n" * 64, name="", host="", address="", now=timezone.now())
    node = Node.objects.create(name="gpu-1")

    page = browser_of("viewer").get(f"{NODES}{node.pk}/change/").content.decode()

    assert "generation 2, joined" in page
    assert "invited by ann" in page


def test_one_button_revokes_it_after_saying_what_that_means():
    node = Node.objects.create(name="gpu-1")
    body = {"action": "revoke", "_selected_action": [node.pk], "from_row": "yes"}
    browser = browser_of("operator")

    asked = browser.post(NODES, body)
    done = browser.post(NODES, {**body, "confirmed": "yes"}, follow=True)

    assert "Redis and Nexus refuse it" in asked.content.decode()
    assert "Revoke: gpu-1" in messages(done)
    assert NodeCredential.objects.get().revoked_by == "operator"
    assert LogEntry.objects.get().get_change_message().startswith("was revoked")


def test_keys_of_nodes_are_only_to_be_looked_at():
    NodeCredential.objects.create(name="gpu-1", generation=3)
    browser = browser_of("admin")

    assert "gpu-1" in browser.get("/admin/nodes/nodecredential/").content.decode()
    assert browser.post("/admin/nodes/nodecredential/add/", {}).status_code == 403
