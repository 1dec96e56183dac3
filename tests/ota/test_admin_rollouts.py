import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse

from ota.models import OtaEvent, Rollout
from ota.services.rollouts import create_rollout
from tests.ota.cast import make_release

LIST, ADD = "/admin/ota/rollout/", "/admin/ota/rollout/add/"


@pytest.fixture
def operator(admin_client, admin_user):
    return admin_client


def act(client, verb: str, rollout: Rollout, **more: str):
    body = {"action": verb, "_selected_action": rollout.pk, "index": 0, **more}
    return client.post(LIST, body, follow=True)


def test_a_form_shows_whom_it_would_touch_before_anything_happens(cluster, operator):
    make_release()
    wish = {"release": "1.0", "strategy": "fast", "selector": "{}"}

    page = operator.post(ADD, wish)

    assert "Wave 2, 4 nodes" in page.content.decode()
    assert not Rollout.objects.exists()


def test_a_confirmed_form_rolls_out_in_the_name_of_who_filled_it_in(cluster, operator):
    make_release()
    wish = {"release": "1.0", "strategy": "careful", "selector": "{}", "confirmed": "yes"}

    page = operator.post(ADD, wish, follow=True)

    rollout = Rollout.objects.get()
    assert (rollout.state, rollout.strategy, rollout.created_by) == ("running", "careful", "admin")
    assert "What happened" in page.content.decode()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"release": "9.9"}, "Select a valid choice"),
        ({"selector": "{"}, "Enter a valid JSON"),
        ({"selector": '{"kind": "none"}'}, "no node has kind=none"),
        ({"selector": "[1]"}, "give an object"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(cluster, operator, change, said):
    make_release()
    wish = {"release": "1.0", "strategy": "fast", "selector": "{}", "confirmed": "yes", **change}

    assert said in operator.post(ADD, wish).content.decode()
    assert not Rollout.objects.exists()


def test_what_is_in_the_way_is_named(cluster, operator):
    make_release()
    first = create_rollout(release="1.0")
    make_release("2.0", seq=2)
    wish = {"release": "2.0", "strategy": "fast", "selector": "{}", "confirmed": "yes"}

    assert first.pk in operator.post(ADD, wish).content.decode()


def test_a_verb_asks_first_and_is_done_when_it_is_confirmed(cluster, operator):
    make_release()
    rollout = create_rollout(release="1.0")

    asked = act(operator, "rollback", rollout).content.decode()
    rollout.refresh_from_db()
    assert "all at once" in asked
    assert "all at once: 0 nodes" in asked  # nothing has switched yet
    assert rollout.state == "running"

    act(operator, "rollback", rollout, confirmed="yes")
    rollout.refresh_from_db()
    assert rollout.state == "rolling_back"
    assert OtaEvent.objects.filter(what="rolling_back", who="admin").count() == 1


def test_a_verb_that_does_not_fit_says_why(cluster, operator):
    make_release()
    rollout = create_rollout(release="1.0")

    page = act(operator, "promote", rollout, confirmed="yes")

    assert "waits at no gate" in page.content.decode()


def test_pages_show_waves_nodes_reasons_and_who(cluster, operator):
    release = make_release()
    for node in cluster.nodes.values():
        node.fails[release.sha256] = "failed"
    rollout = create_rollout(release="1.0", who="ann")
    cluster.play(3)

    detail = operator.get(reverse("admin:ota_rollout_change", args=[rollout.pk]))
    homes = operator.get("/admin/ota/home/").content.decode()
    events = operator.get("/admin/ota/otaevent/").content.decode()

    assert "the probe failed" in detail.content.decode()
    assert "ann" in detail.content.decode()
    assert "the probe failed" in homes
    assert "created" in events


def test_who_may_only_look_moves_nothing(cluster, client):
    make_release()
    rollout = create_rollout(release="1.0")
    user = User.objects.create_user("looker", password="x", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_rollout"))
    client.force_login(user)

    detail = client.get(reverse("admin:ota_rollout_change", args=[rollout.pk]))
    act(client, "abort", rollout, confirmed="yes")
    added = client.post(ADD, {"release": "1.0", "strategy": "fast", "confirmed": "yes"})

    rollout.refresh_from_db()
    assert "Abort" not in detail.content.decode()
    assert (rollout.state, added.status_code) == ("running", 403)
