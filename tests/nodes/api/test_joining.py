"""The door for machines that join, and the way out."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone
from redis.exceptions import ConnectionError as RedisConnectionError
from rest_framework.test import APIClient

from hive_site.kernel.envelope import node_key
from hive_site.kernel.signed_requests import authorization
from nodes import access
from nodes.api import joining
from nodes.invitations import Wish, invite
from nodes.joining_models import Invite, NodeCredential
from nodes.models import Node
from tests.conftest import client_with
from tests.people import browser_of

pytestmark = pytest.mark.django_db
URL, NONCE = "/api/v1/nodes/join/", "n" * 64


@pytest.fixture(autouse=True)
def alone(redis, settings):
    """No users of Redis, of which the fake knows nothing."""
    settings.HIVE = replace(settings.HIVE, redis_acl="off")
    settings.REDIS_URL = "redis://:shared@redis.example:6379/0"
    joining._limiter.forget("127.0.0.1")


def token(**wish):
    return invite(Wish(**wish), ttl=60, who="ann", now=timezone.now())[1]


def join(secret, **body):
    headers = {"HTTP_AUTHORIZATION": f"Join {secret}"} if secret else {}
    return APIClient().post(URL, {"nonce": NONCE, "host": "box", **body}, format="json", **headers)


def test_a_machine_gets_all_that_it_needs(settings):
    answer = join(token(name="gpu-1", slots=4, labels={"site": "lab"}, capabilities=["ffmpeg"]))

    key = node_key(settings.HIVE_FLEET_KEY, "gpu-1", generation=2)
    assert answer.status_code == 200, answer.json()
    assert answer["Cache-Control"] == "no-store"
    assert answer.json() == {
        "node": "gpu-1",
        "node_key": key.hex(),
        "generation": 2,
        "redis_url": "redis://:shared@redis.example:6379/0",
        "ca": "",
        "ota_root": None,
        "channels": ["stable"],
        "slots": 4,
        "labels": {"site": "lab"},
        "capabilities": ["ffmpeg"],
    }


def test_the_address_of_redis_may_be_another_one_for_machines_elsewhere(settings):
    settings.HIVE = replace(settings.HIVE, join_redis_url="rediss://:pw@outside:6380/0")

    assert join(token()).json()["redis_url"] == "rediss://:pw@outside:6380/0"


def test_an_answer_that_was_lost_can_be_asked_for_again():
    secret = token()

    first, second = join(secret), join(secret)

    assert (first.status_code, second.json()) == (200, first.json())


@pytest.mark.parametrize(
    ("secret", "status"), [("", 401), ("hivejoin_nonsense", 403), ("\u20ac", 403)]
)
def test_nobody_comes_in_without_an_invitation(secret, status):
    answer = join(secret.encode("utf-8").decode("latin-1"))

    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"


def test_used_and_expired_ones_say_what_they_are():
    used, late = token(name="a"), token(name="b")
    join(used)
    Invite.objects.filter(name="b").update(expires_at=timezone.now() - timedelta(seconds=1))

    answers = join(used, nonce="o" * 64), join(late)

    assert [answer.status_code for answer in answers] == [409, 410]
    assert "`hive invite` makes another" in answers[0].json()["detail"]


@pytest.mark.parametrize("body", [{"nonce": "short"}, {"nonce": 7}, {"x": 1}, {"name": []}])
def test_a_body_that_makes_no_sense(body):
    assert join(token(), **body).status_code == 400


def test_a_body_may_be_small_only():
    answer = join(token(), host="h" * 20_000)

    assert answer.status_code == 413


def test_one_address_asks_so_often_and_no_more(monkeypatch):
    monkeypatch.setattr(joining._limiter, "take", lambda *who: 7.2)

    answer = join(token())

    assert (answer.status_code, answer["Retry-After"]) == (429, "8")


def test_nothing_vouches_for_a_nexus_without_an_authority_of_its_own():
    assert APIClient().get(f"{URL}ca/").status_code == 404


def test_its_authorities_are_everybody_s_to_read(settings, tmp_path):
    (tmp_path / "ca.pem").write_text("-----BEGIN CERTIFICATE-----\n")
    settings.HIVE = replace(settings.HIVE, ca_file=str(tmp_path / "ca.pem"))

    answer = APIClient().get(f"{URL}ca/")

    assert answer.content == b"-----BEGIN CERTIFICATE-----\n"


def signed(settings, name, *, generation):
    header = authorization(
        node=name,
        key=node_key(settings.HIVE_FLEET_KEY, name, generation=generation),
        method="GET",
        path="/api/v1/ota/root/",
        now=timezone.now().timestamp(),
    )
    return APIClient().get("/api/v1/ota/root/", HTTP_AUTHORIZATION=header)


def test_the_rest_of_the_api_knows_the_newest_key_only(settings):
    join(token(name="a"))

    answers = [signed(settings, "a", generation=n).status_code for n in (1, 2, 3)]

    assert answers == [401, 404, 401]  # nothing was published, which only a node is told


def test_whoever_is_revoked_is_nobody_at_once(settings):
    join(token(name="a"))

    told = client_with("control").post("/api/v1/nodes/a/revoke/")

    assert (told.status_code, told.json()["generation"]) == (200, 2)
    assert "change that" in told.json()["redis"]
    answer = signed(settings, "a", generation=2)
    assert answer.status_code == 401
    assert "was revoked" in answer.json()["detail"]
    assert NodeCredential.objects.get().revoked_by == "key:test"


def test_revoking_takes_the_scope_control():
    Node.objects.create(name="a")

    answers = [client_with(scope).post("/api/v1/nodes/a/revoke/") for scope in ("read", "submit")]

    assert {answer.status_code for answer in answers} == {403}
    assert client_with("control").post("/api/v1/nodes/b/revoke/").status_code == 404


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("operator", 200), ("admin", 200)])
def test_who_may_revoke_in_person(role, status):
    Node.objects.create(name="a")

    answer = browser_of(role).post("/api/v1/nodes/a/revoke/")

    assert answer.status_code == status
    kept = [entry.get_change_message() for entry in LogEntry.objects.all()]
    assert kept == (["POST /api/v1/nodes/a/revoke/"] if status == 200 else [])


def refuse(*_, **__):
    raise access.NoUsers("unknown command 'ACL'")


def test_where_redis_makes_no_users_the_password_of_all_is_given_unless_that_is_forbidden(
    settings, monkeypatch
):
    monkeypatch.setattr(access, "admit", refuse)
    secret, answers = token(name="a"), []
    for acl in ("require", "auto"):
        settings.HIVE = replace(settings.HIVE, redis_acl=acl)
        answers.append(join(secret))

    refused, given = answers
    assert (refused.status_code, given.status_code) == (503, 200)
    assert "HIVE_REDIS_ACL=auto" in refused.json()["detail"]
    assert given.json()["redis_url"] == "redis://:shared@redis.example:6379/0"


def test_while_redis_is_away_nobody_comes_in_and_the_same_line_works_later(settings, monkeypatch):
    def be_away(*_, **__):
        raise RedisConnectionError("away")

    settings.HIVE = replace(settings.HIVE, redis_acl="require")
    secret = token(name="a")
    with monkeypatch.context() as patch:
        patch.setattr(access, "admit", be_away)
        early = join(secret)
    monkeypatch.setattr(access, "admit", lambda *_, **__: None)
    later = join(secret)

    assert (early.status_code, later.status_code) == (503, 200)
    assert "same line works once it is back" in early.json()["detail"]
    assert later.json()["generation"] == 2
    assert later.json()["redis_url"].startswith("redis://node%3Aa:")
    assert "shared" not in later.json()["redis_url"]


def test_revoking_while_redis_is_away_says_who_does_the_rest(settings, monkeypatch):
    def be_away(*_, **__):
        raise RedisConnectionError("away")

    settings.HIVE = replace(settings.HIVE, redis_acl="auto")
    monkeypatch.setattr(access, "expel", be_away)
    NodeCredential.objects.create(name="a", generation=2)

    told = client_with("control").post("/api/v1/nodes/a/revoke/")

    assert told.json()["redis"] == "Redis is away: the Foreman puts it out once Redis is back"
    assert NodeCredential.objects.get().revoked_at
