"""What an operator wants of a node, as REST shows it before the Foreman has seen it."""

import json
import time

import pytest

from nodes import wire
from nodes.models import Node

URL = "/api/v1/nodes/spore-1/"
DRAWN = {"name": "spore-1", "state": "online", "slots": 1, "labels": {"site": "lab", "old": "1"}}


@pytest.fixture
def node(db, redis):
    own, wanted = {"site": "lab"}, {"old": "1"}
    redis.set(wire.SNAPSHOT, json.dumps({"at": time.time(), "nodes": [DRAWN]}))
    return Node.objects.create(name="spore-1", own_labels=own, set_labels=wanted)


def test_a_change_shows_in_its_own_answer(api, node):
    body = {"slots": 4, "labels": {"site": "attic"}}

    view = api.patch(URL, body, format="json").json()

    assert (view["slots"], view["labels"]) == (4, {"site": "attic"})


def test_a_verb_shows_in_its_own_answer(api, node):
    states = [api.post(f"{URL}{verb}/").json()["state"] for verb in ("drain", "cordon", "resume")]

    assert states == ["draining", "cordoned", "online"]


@pytest.mark.parametrize("state", ["suspect", "lost", "quarantined", "updating"])
def test_no_wish_hides_that_a_node_is_not_well(api, node, redis, state):
    row = {**DRAWN, "state": state}
    redis.set(wire.SNAPSHOT, json.dumps({"at": time.time(), "nodes": [row]}))

    assert api.post(f"{URL}drain/").json()["state"] == state


@pytest.mark.parametrize("label", ["\ud800", "a\0b", "x" * 201])
def test_a_label_that_cannot_be_stored_or_shown_is_refused(api, node, label):
    body = json.dumps({"labels": {"site": label}})

    answer = api.patch(URL, body, content_type="application/json")

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "/labels"
    assert Node.objects.get().set_labels == {"old": "1"}
