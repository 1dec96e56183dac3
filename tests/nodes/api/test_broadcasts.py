"""Broadcasts over REST."""

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from nodes import inbox
from nodes.models import Acknowledgement, Broadcast, Node
from tests.conftest import client_with

pytestmark = pytest.mark.django_db
URL = "/api/v1/broadcasts/"


@pytest.fixture
def node(redis):
    return Node.objects.create(name="spore-1", incarnation="one")


def post(api, body, *, wait: float = 0, **headers):
    return api.post(f"{URL}?wait={wait}", body, format="json", headers=headers)


def test_a_broadcast_is_accepted_and_found_again(api, node):
    answer = post(api, {"command": "PING", "nodes": ["spore-1"], "data": {"n": 1}})

    view = answer.json()
    assert answer.status_code == 202
    assert (view["command"], view["data"]) == ("PING", {"n": 1})
    assert view["acknowledgements"] == {"spore-1": None}
    assert api.get(answer.headers["Location"]).json() == view
    assert api.get(URL).json() == {"results": [view], "next": None}


def test_an_answer_shows_when_it_came_and_what_it_says(api, node):
    row = Broadcast.objects.create(id="bc_1", command="PING", nodes=["spore-1"])
    Acknowledgement.objects.create(
        broadcast=row, node="spore-1", ok=True, at=row.created_at, data='{"echo": {}}'
    )

    said = api.get(f"{URL}bc_1/").json()["acknowledgements"]["spore-1"]

    assert (said["ok"], said["data"], said["at"][-1]) == (True, {"echo": {}}, "Z")


def test_without_nodes_there_is_nobody_to_wait_for(api, redis):
    answer = post(api, {"command": "STATUS", "nodes": None}, wait=60)

    assert (answer.status_code, answer.json()["acknowledgements"]) == (202, {})


@pytest.mark.parametrize(
    ("body", "pointer", "reason"),
    [
        ({}, "/command", "say what to call out"),
        ({"command": "EXPLODE"}, "/command", "give one of"),
        ({"command": "PING", "nodes": ["spore-1", "x"]}, "/nodes/1", "no node is named 'x'"),
        ({"command": "PING", "to": 1}, "/to", "is no field here"),
    ],
)
def test_what_is_wrong_is_pointed_at(api, node, body, pointer, reason):
    answer = post(api, body)

    [found] = answer.json()["errors"]
    assert (answer.status_code, found["pointer"]) == (400, pointer)
    assert reason in found["detail"]
    assert not Broadcast.objects.exists()


@pytest.mark.parametrize("wait", ["61", "-1", "soon", "nan"])
def test_a_wait_that_is_no_time_is_refused_before_anybody_is_called(api, node, wait):
    answer = api.post(f"{URL}?wait={wait}", {"command": "DRAIN"}, format="json")

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/wait")
    assert Node.objects.get().intent == "work"


def test_calling_out_takes_the_scope_control_and_listening_does_not(node):
    reader = client_with("read", "submit")

    assert post(reader, {"command": "PING"}).status_code == 403
    assert reader.get(URL).status_code == 200


def test_while_redis_is_away_nobody_is_promised_anything(api, node, monkeypatch):
    class Away:
        def time(self):
            raise RedisConnectionError("gone")

    monkeypatch.setattr(inbox, "_hurried", Away())

    answer = post(api, {"command": "PING"})

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "Redis is away" in answer.json()["detail"]


def test_the_same_key_calls_out_once(api, node):
    key = {"Idempotency-Key": "k"}
    first, again = (post(api, {"command": "PING"}, **key) for _ in range(2))
    other = post(api, {"command": "DRAIN"}, **key)

    assert first.json()["id"] == again.json()["id"]
    assert "Idempotency-Replayed" not in first.headers
    assert (again.headers["Idempotency-Replayed"], other.status_code) == ("true", 422)
    assert Broadcast.objects.count() == 1


def test_the_list_has_pages(api, node):
    ids = [post(api, {"command": "PING"}).json()["id"] for _ in range(3)]

    first = api.get(f"{URL}?limit=2").json()
    second = api.get(first["next"]).json()

    assert [row["id"] for row in first["results"] + second["results"]] == ids[::-1]
    assert second["next"] is None


def test_an_unknown_broadcast_is_not_found(api):
    assert api.get(f"{URL}bc_none/").status_code == 404
