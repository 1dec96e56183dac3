"""Nodes, the cluster and health over REST."""

import json
import time

import pytest

from nodes import wire
from nodes.models import Node
from nodes.roles import give_role
from tests.conftest import client_with

FIELDS = {
    *("name", "state", "slots", "running", "cpu", "memory", "score", "labels", "capabilities"),
    *("gpus", "release", "last_seen", "agent_version"),
}


@pytest.fixture
def node(db, redis):
    return Node.objects.create(name="spore-1", own_labels={"site": "lab", "rack": "1"})


def draw(redis, *, age: float = 0.0) -> None:
    """The Foreman's picture, as old as wanted."""
    picture = {
        "at": time.time() - age,
        "foreman": {"holder": "here", "epoch": 3},
        "nodes": [{"name": "spore-1", "state": "suspect", "cpu": 0.5}],
        "queues": {"background": {"depth": 7, "oldest_wait": 1.5, "paused": False}},
        **{"nodes_online": 1, "nodes_total": 1, "avg_cpu": 0.5, "avg_memory": 0.2},
        **{"active_subtasks": 4, "slots": 2, "throughput": {"succeeded_per_second": 9.0}},
    }
    redis.set(wire.SNAPSHOT, json.dumps(picture))


def test_a_node_shows_every_field_of_the_contract(api, node):
    assert api.get("/api/v1/nodes/spore-1/").json().keys() >= FIELDS


def test_what_the_foreman_sees_wins_while_its_picture_is_fresh(api, node, redis):
    draw(redis)
    fresh = api.get("/api/v1/nodes/spore-1/").json()
    draw(redis, age=60)
    stale = api.get("/api/v1/nodes/spore-1/").json()

    assert (fresh["state"], fresh["cpu"]) == ("suspect", 0.5)
    assert (stale["state"], stale["cpu"]) == ("online", 0.0)


def test_the_cluster_says_when_its_foreman_is_away(api, node, redis):
    draw(redis)
    fresh = api.get("/api/v1/cluster/").json()
    draw(redis, age=60)
    stale = api.get("/api/v1/cluster/").json()

    assert (fresh["foreman"]["state"], fresh["active_subtasks"]) == ("leading", 4)
    assert (stale["foreman"]["state"], stale["nodes_online"]) == ("away", 1)
    assert fresh.keys() == stale.keys()


def test_an_operators_labels_win_over_the_nodes_own(api, node):
    body = {"slots": 4, "labels": {"site": "attic"}}

    view = api.patch("/api/v1/nodes/spore-1/", body, format="json").json()

    assert view["labels"] == {"site": "attic", "rack": "1"}
    assert Node.objects.get().wanted_slots == 4


def test_slots_of_null_are_left_to_the_spore_and_absent_ones_stay(api, node):
    Node.objects.update(wanted_slots=4)
    api.patch("/api/v1/nodes/spore-1/", {"labels": {}}, format="json")
    kept = Node.objects.get().wanted_slots
    api.patch("/api/v1/nodes/spore-1/", {"slots": None}, format="json")

    assert (kept, Node.objects.get().wanted_slots) == (4, None)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [({"slots": 0}, "/slots"), ({"slots": "4"}, "/slots"), ({"labels": []}, "/labels")],
)
def test_a_change_that_makes_no_sense_is_refused(api, node, body, pointer):
    answer = api.patch("/api/v1/nodes/spore-1/", body, format="json")

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == pointer


def test_unknown_fields_of_a_change_are_refused(api, node):
    assert api.patch("/api/v1/nodes/spore-1/", {"cpu": 0}, format="json").status_code == 400


@pytest.mark.parametrize(
    ("verb", "intent"), [("drain", "drain"), ("cordon", "cordon"), ("resume", "work")]
)
def test_a_verb_is_an_intent_that_the_foreman_is_told_of(
    api, node, redis, verb, intent, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        answer = api.post(f"/api/v1/nodes/spore-1/{verb}/")

    assert answer.status_code == 202
    assert Node.objects.get().intent == intent
    assert redis.xrange(wire.INBOX)[0][1][b"what"] == b"node"


def test_only_a_lost_node_can_be_deleted(api, node):
    early = api.delete("/api/v1/nodes/spore-1/")
    Node.objects.update(state="lost")
    late = api.delete("/api/v1/nodes/spore-1/")

    assert (early.status_code, late.status_code) == (409, 204)
    assert api.get("/api/v1/nodes/spore-1/").status_code == 404


def test_a_reader_may_look_but_not_drain(node):
    reader = client_with("read")

    assert reader.get("/api/v1/nodes/").status_code == 200
    assert reader.post("/api/v1/nodes/spore-1/drain/").status_code == 403


@pytest.mark.parametrize(
    ("role", "looks", "drains"), [(None, 403, 403), ("viewer", 200, 403), ("operator", 200, 202)]
)
def test_a_user_with_a_session_may_do_what_the_role_allows(
    api, node, django_user_model, role, looks, drains
):
    user = django_user_model.objects.create_user("ann", password="x")
    if role:
        give_role(user, role)
    api.credentials()
    api.force_login(user)

    assert api.get("/api/v1/nodes/").status_code == looks
    assert api.post("/api/v1/nodes/spore-1/drain/").status_code == drains


def test_staff_without_a_permission_may_only_look(api, node, django_user_model):
    api.credentials()
    api.force_login(django_user_model.objects.create_user("ann", is_staff=True))

    assert api.get("/api/v1/nodes/").status_code == 200
    assert api.post("/api/v1/nodes/spore-1/drain/").status_code == 403
    assert api.delete("/api/v1/nodes/spore-1/").status_code == 403


def test_a_revoked_or_expired_key_opens_nothing(api, node):
    from django.utils import timezone

    from nodes.models import ApiKey
    from nodes.services import revoke_api_keys

    ApiKey.objects.update(expires_at=timezone.now())
    assert api.get("/api/v1/nodes/").status_code == 401
    ApiKey.objects.update(expires_at=None)
    assert api.get("/api/v1/nodes/").status_code == 200
    revoke_api_keys(ApiKey.objects.all())
    assert api.get("/api/v1/nodes/").status_code == 401


def test_no_secret_of_a_key_is_stored(api):
    from nodes.models import ApiKey

    header = api._credentials["HTTP_AUTHORIZATION"].removeprefix("Bearer ")

    assert header not in json.dumps(list(ApiKey.objects.values()), default=str)


def test_the_site_is_ready_without_redis_but_says_so(client, db):
    answer = client.get("/readyz")

    assert (answer.status_code, answer.json()["redis"]) == (200, "away")
    assert client.get("/livez").status_code == 200


def test_the_schema_describes_every_path_and_has_no_errors(api, capsys):
    from drf_spectacular.generators import SchemaGenerator
    from drf_spectacular.validation import validate_schema

    schema = SchemaGenerator().get_schema(request=None, public=True)

    validate_schema(schema)
    assert {"/api/v1/jobs/", "/api/v1/nodes/{name}/drain/", "/api/v1/cluster/"} <= schema[
        "paths"
    ].keys()
