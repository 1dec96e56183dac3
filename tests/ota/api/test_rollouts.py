from django.contrib.auth.models import Permission

from ota.models import Rollout
from tests.conftest import client_with
from tests.ota.cast import make_release

URL = "/api/v1/ota/rollouts/"


def test_a_rollout_is_made_shown_and_moved(cluster, api):
    make_release()

    made = api.post(URL, {"release": "1.0"}, format="json")
    where = made.headers["Location"]
    paused = api.post(f"{where}pause/")
    shown = api.get(where).json()

    assert (made.status_code, made.json()["state"]) == (201, "running")
    assert (paused.status_code, paused.json()["state"]) == (202, "paused")
    assert [event["who"] for event in shown["events"]] == ["key:test"] * 3
    assert len(shown["nodes"]) == 5
    assert [wave["nodes"] for wave in shown["waves"]] == [{"pending": 1}, {"pending": 4}]


def test_a_dry_run_says_whom_it_would_touch(cluster, api):
    make_release()
    cluster.join("plain", managed=False)

    told = api.post(URL, {"release": "1.0", "dry_run": True}, format="json")

    assert told.status_code == 200
    assert [len(wave) for wave in told.json()["waves"]] == [1, 4]
    assert told.json()["skipped"] == {"plain": "unmanaged"}
    assert not Rollout.objects.exists()


def test_overlapping_rollouts_conflict_until_one_supersedes(cluster, api):
    make_release("1.0", seq=1)
    make_release("2.0", seq=2)
    first = api.post(URL, {"release": "1.0"}, format="json").json()["id"]

    refused = api.post(URL, {"release": "2.0"}, format="json")
    taken = api.post(URL, {"release": "2.0", "supersede": True}, format="json")

    assert refused.status_code == 409
    assert first in refused.json()["detail"]
    assert taken.status_code == 201
    assert api.get(f"{URL}{first}/").json()["state"] == "superseded"


def test_the_same_key_makes_one_rollout_whatever_became_of_it(cluster, api):
    make_release()
    key = {"HTTP_IDEMPOTENCY_KEY": "once"}

    first = api.post(URL, {"release": "1.0"}, format="json", **key)
    cluster.play()
    again = api.post(URL, {"release": "1.0"}, format="json", **key)

    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (again.status_code, again.json()["id"]) == (201, first.json()["id"])
    assert again.headers["Location"] == first.headers["Location"]
    assert Rollout.objects.count() == 1


def test_a_key_that_came_with_another_rollout_is_refused(cluster, api):
    make_release()
    key = {"HTTP_IDEMPOTENCY_KEY": "once"}
    api.post(URL, {"release": "1.0"}, format="json", **key)

    answer = api.post(URL, {"release": "1.0", "supersede": True}, format="json", **key)

    assert answer.status_code == 422
    assert "take a new one" in answer.json()["detail"]


def test_a_key_whose_rollout_was_refused_may_be_used_again(cluster, api):
    key = {"HTTP_IDEMPOTENCY_KEY": "once"}
    refused = api.post(URL, {"release": "1.0"}, format="json", **key)
    make_release()

    answer = api.post(URL, {"release": "1.0"}, format="json", **key)

    assert (refused.status_code, answer.status_code) == (400, 201)


def test_wrong_fields_are_named(cluster, api):
    make_release()

    for body in ({"release": "1.0", "start": 1}, {"release": "1.0", "selector": []}, {"x": 1}):
        answer = api.post(URL, body, format="json")

        assert answer.status_code == 400
        assert answer.json()["errors"][0]["pointer"]


def test_the_list_goes_page_by_page_from_the_newest(cluster, api):
    make_release()
    for _ in range(3):
        made = api.post(URL, {"release": "1.0"}, format="json").json()
        api.post(f"{URL}{made['id']}/abort/")
        Rollout.objects.update(state="aborted")
        cluster.redis.flushall()
        from ota.models import Deployment

        Deployment.objects.update(open=False)

    first = api.get(f"{URL}?limit=2").json()
    second = api.get(first["next"]).json()

    ids = [row["id"] for row in first["results"] + second["results"]]
    assert ids == sorted(ids, reverse=True)
    assert (len(ids), second["next"]) == (3, None)


def test_only_keys_for_updates_may_roll_out(cluster):
    make_release()
    reader = client_with("read", "submit", "control")

    assert reader.get(URL).status_code == 200
    assert reader.post(URL, {"release": "1.0"}, format="json").status_code == 403


def test_the_matrix_shows_every_node(cluster, api):
    release = make_release()
    cluster.join("plain", managed=False)
    cluster.nodes["spore-1"].fails[release.sha256] = "failed"
    cluster.roll_out(release)
    cluster.play(3)

    rows = {row["node"]: row for row in api.get("/api/v1/ota/nodes/").json()["results"]}

    assert rows["plain"]["managed"] is False
    assert rows["spore-1"]["error"] == "the probe failed"
    assert rows["spore-0"]["reported_at"]


def test_staff_move_rollouts_with_the_permission_that_the_admin_asks_for(
    cluster, client, django_user_model
):
    make_release()
    ann = django_user_model.objects.create_user("ann", is_staff=True)
    client.force_login(ann)
    wish = {"data": {"release": "1.0"}, "content_type": "application/json"}

    refused = client.post(URL, **wish).status_code
    ann.user_permissions.add(Permission.objects.get(codename="add_rollout"))
    made = client.post(URL, **wish)
    kept = client.post(f"{URL}{made.json()['id']}/pause/").status_code
    ann.user_permissions.add(Permission.objects.get(codename="change_rollout"))
    moved = client.post(f"{URL}{made.json()['id']}/pause/").status_code

    assert (refused, made.status_code, kept, moved) == (403, 201, 403, 202)
