import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from nodes import inbox, verbs
from nodes.models import Acknowledgement, Broadcast, Node

pytestmark = pytest.mark.django_db


@pytest.fixture
def node(redis, monkeypatch):
    monkeypatch.setattr(verbs, "WAIT_SECONDS", 0)
    return Node.objects.create(name="spore-1")


def act(client, action: str, node) -> str:
    chosen = {"action": action, "_selected_action": [node.pk], "confirmed": "yes"}
    return client.post("/admin/nodes/node/", chosen, follow=True).content.decode()


@pytest.mark.parametrize(("action", "command"), [("ping", "PING"), ("shut_down", "SHUTDOWN")])
def test_a_click_calls_out_and_says_who_is_silent(admin_client, node, action, command):
    page = act(admin_client, action, node)

    row = Broadcast.objects.get()
    assert (row.command, row.nodes, row.submitted_by) == (command, ["spore-1"], "admin")
    assert f"{command}: nobody answered; nothing from spore-1." in page


def test_while_redis_is_away_the_page_says_so(admin_client, node, monkeypatch):
    class Away:
        def time(self):
            raise RedisConnectionError("gone")

    monkeypatch.setattr(inbox, "_hurried", Away())

    assert "Redis is away" in act(admin_client, "ping", node)


def test_a_broadcast_shows_its_answers(admin_client, node):
    row = Broadcast.objects.create(id="bc_1", command="PING", nodes=["spore-1"])
    Acknowledgement.objects.create(broadcast=row, node="spore-1", ok=True, at=row.created_at)

    page = admin_client.get("/admin/nodes/broadcast/bc_1/change/").content.decode()

    assert "spore-1" in page
    assert "PING" in admin_client.get("/admin/nodes/broadcast/").content.decode()
