from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from hive_site.kernel.errors import Conflict, Invalid, NotFound
from nodes import services, wire
from nodes.domain.scaling_machines import LEAVING
from nodes.domain.states import Intent
from nodes.models import ApiKey, Node

pytestmark = pytest.mark.django_db


@pytest.fixture
def node(db):
    return Node.objects.create(name="spore-1", set_labels={"site": "lab"})


def hints(redis) -> list[tuple[bytes, bytes]]:
    return [(row[b"what"], row[b"subject"]) for _, row in redis.xrange(wire.INBOX)]


@pytest.mark.parametrize("intent", Intent)
def test_an_intent_is_stored_and_the_foreman_is_told(
    node, redis, intent, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        changed = services.set_intent(name="spore-1", intent=intent)

    assert changed.intent == Node.objects.get().intent == intent
    assert hints(redis) == [(b"node", b"spore-1")]


def test_nobody_is_told_of_what_was_rolled_back(node, redis, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        services.set_intent(name="spore-1", intent=Intent.DRAIN)
        transaction.set_rollback(True)

    assert hints(redis) == []


@pytest.mark.parametrize("mark", [{}, {LEAVING: "true"}])
@pytest.mark.parametrize("said", [{}, {LEAVING: "no"}])
def test_whether_a_node_is_to_be_removed_is_no_label_to_change(node, redis, mark, said):
    Node.objects.update(set_labels={"site": "lab", **mark})

    services.change_node(name="spore-1", labels={"rack": "2", **said})

    assert Node.objects.get().set_labels == {"rack": "2", **mark}


def test_slots_and_labels_are_changed_each_alone(node, redis):
    services.change_node(name="spore-1", slots=7)
    services.change_node(name="spore-1", labels={"rack": "2"})
    services.change_node(name="spore-1")

    node.refresh_from_db()
    assert (node.wanted_slots, node.set_labels) == (7, {"rack": "2"})


def test_slots_can_be_left_to_the_spore_again(node, redis):
    services.change_node(name="spore-1", slots=7)

    services.change_node(name="spore-1", slots=None)

    assert Node.objects.get().wanted_slots is None


@pytest.mark.parametrize("slots", [0, -1, services.MAX_SLOTS + 1, True, 2.0, "4"])
def test_slots_that_make_no_sense_are_refused_with_the_rule(node, redis, slots):
    with pytest.raises(Invalid, match="give a whole number from 1 to 256") as refusal:
        services.change_node(name="spore-1", slots=slots)

    assert refusal.value.field == "slots"
    assert Node.objects.get().wanted_slots is None


@pytest.mark.parametrize("slots", [1, services.MAX_SLOTS])
def test_the_fewest_and_the_most_slots_are_taken(node, redis, slots):
    assert services.change_node(name="spore-1", slots=slots).wanted_slots == slots


@pytest.mark.parametrize(
    ("labels", "rule"),
    [
        ([], "give an object"),
        (["site"], "give an object"),
        ("site", "give an object"),
        ({"site": 1}, "site: give a line of text"),
        ({"site": None}, "site: give a line of text"),
        ({1: "a"}, "1; a name is a letter"),
    ],
)
def test_labels_that_are_no_texts_are_refused_with_the_rule(node, redis, labels, rule):
    with pytest.raises(Invalid, match=rule) as refusal:
        services.change_node(name="spore-1", labels=labels)

    assert refusal.value.field == "labels"
    assert Node.objects.get().set_labels == {"site": "lab"}


def test_a_node_that_is_not_there_is_not_found(redis, db):
    for verb in (
        lambda: services.set_intent(name="ghost", intent=Intent.DRAIN),
        lambda: services.change_node(name="ghost", slots=1),
        lambda: services.change_node(name="ghost"),
        lambda: services.forget_node(name="ghost"),
    ):
        with pytest.raises(NotFound, match="no node is named 'ghost'"):
            verb()


def test_a_lost_node_is_forgotten_and_the_foreman_is_told(
    node, redis, django_capture_on_commit_callbacks
):
    Node.objects.update(state="lost")

    with django_capture_on_commit_callbacks(execute=True):
        services.forget_node(name="spore-1")

    assert not Node.objects.exists()
    assert hints(redis) == [(b"node", b"spore-1")]


def test_a_node_that_is_there_is_kept_with_the_way_out(node, redis):
    with pytest.raises(Conflict, match=r"spore-1 is online; only lost nodes .* so stop it first"):
        services.forget_node(name="spore-1")

    assert Node.objects.exists()


def test_a_key_is_found_by_its_secret_of_which_only_the_beginning_is_kept():
    key, secret = services.create_api_key(name="ci", scopes=["read", "submit"])

    assert services.find_api_key(secret) == key
    assert secret.startswith(services.KEY_PREFIX)
    assert key.prefix == secret[: services.SHOWN_CHARS]
    assert secret not in str(ApiKey.objects.values())
    assert services.find_api_key(secret[:-1]) is None
    assert services.find_api_key("") is None


@pytest.mark.parametrize("scopes", [[], ["everything"], ["read", "root"]])
def test_a_key_needs_scopes_that_exist(scopes):
    with pytest.raises(Invalid, match="give some of submit, read, control, ota"):
        services.create_api_key(name="ci", scopes=scopes)


def test_a_key_ends_at_its_time():
    ends = timezone.now() + timedelta(hours=1)
    key, secret = services.create_api_key(name="ci", scopes=["read"], expires_at=ends)
    alive = services.find_api_key(secret)
    ApiKey.objects.update(expires_at=timezone.now())

    assert alive == key
    assert services.find_api_key(secret) is None


def test_a_revoked_key_opens_nothing_and_is_revoked_once():
    _, secret = services.create_api_key(name="ci", scopes=["read"])
    services.create_api_key(name="other", scopes=["read"])

    counts = [services.revoke_api_keys(ApiKey.objects.filter(name="ci")) for _ in range(2)]

    assert counts == [1, 0]
    assert services.find_api_key(secret) is None
    assert ApiKey.objects.get(name="other").revoked_at is None


def test_the_use_of_a_key_is_noted_at_most_once_a_minute(django_assert_num_queries):
    _, secret = services.create_api_key(name="ci", scopes=["read"])
    services.find_api_key(secret)
    noted = ApiKey.objects.get().last_used_at
    with django_assert_num_queries(1):
        services.find_api_key(secret)
    ApiKey.objects.update(last_used_at=noted - services.NOTE_USE_EVERY)
    services.find_api_key(secret)

    assert noted is not None
    assert ApiKey.objects.get().last_used_at >= noted
