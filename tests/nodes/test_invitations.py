"""Invitations: used once, by one machine, in time."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection
from django.utils import timezone

from hive_site.backups.settling import settle
from hive_site.kernel.errors import Conflict, Gone, Invalid, NotAllowed, NotFound
from nodes import invitations
from nodes.credentials import key_of, load_standings
from nodes.domain.liveness import REVOKED
from nodes.domain.states import NodeState
from nodes.invitations import Wish, invite, redeem, revoke_credential, withdraw
from nodes.joining_models import Invite, NodeCredential
from nodes.keyring import Revoked, Standing
from nodes.models import Node

pytestmark = pytest.mark.django_db

NONCE, OTHER = "n" * 64, "o" * 64


@pytest.fixture(autouse=True)
def _redis(redis):
    """What is told to the Foreman goes nowhere."""


def ask(token, *, nonce=NONCE, name="", host="box", later=0.0):
    now = timezone.now() + timedelta(seconds=later)
    return redeem(token, nonce=nonce, name=name, host=host, address="10.0.0.7", now=now)


def token_for(name="", *, ttl=60.0, **wish):
    return invite(Wish(name=name, **wish), ttl=ttl, who="ann", now=timezone.now())[1]


def test_a_token_is_kept_as_its_hash_only():
    made, token = invite(Wish(), ttl=60, who="ann", now=timezone.now())

    assert token.startswith("hivejoin_")
    assert token not in str(Invite.objects.filter(pk=made.pk).values())


def test_whoever_joins_is_known_by_a_key_that_was_never_given_before():
    found = ask(token_for("gpu-1"))

    row = NodeCredential.objects.get(name="gpu-1")
    assert (found.node, found.generation) == ("gpu-1", 2)
    assert (row.generation, row.invited_by, row.joined_from) == (2, "ann", "10.0.0.7")
    assert load_standings() == {"gpu-1": Standing(2)}


@pytest.mark.parametrize(
    ("invited", "asked", "called"),
    [("a", "", "a"), ("", "b", "b"), ("", "", "box"), ("a", "a", "a")],
)
def test_what_a_machine_is_called(invited, asked, called):
    assert ask(token_for(invited), name=asked).node == called


def test_an_invitation_for_one_name_is_for_no_other():
    with pytest.raises(Conflict, match="for 'a', not for 'b'"):
        ask(token_for("a"), name="b")


def test_it_lets_one_machine_in():
    token = token_for("a")
    ask(token)

    with pytest.raises(Conflict, match="used already, by node a"):
        ask(token, nonce=OTHER)


def test_the_same_machine_may_ask_again_and_gets_the_same():
    token = token_for()
    first = ask(token)

    second = ask(token)

    assert (second.node, second.generation) == (first.node, first.generation)
    assert NodeCredential.objects.get(name="box").generation == 2


def test_not_even_the_same_machine_gets_what_was_revoked_since():
    token = token_for("a")
    ask(token)
    revoke_credential("a", who="ann", now=timezone.now())

    with pytest.raises(Conflict, match="revoked or invited anew"):
        ask(token)


@pytest.mark.parametrize("used", [False, True])
def test_it_is_good_for_its_time_and_no_longer(used):
    token = token_for("a", ttl=60)
    if used:
        ask(token)

    with pytest.raises(Gone, match="was good until"):
        ask(token, later=61)


def test_what_was_withdrawn_lets_nobody_in():
    made, token = invite(Wish(), ttl=60, who="ann", now=timezone.now())

    count = withdraw(Invite.objects.filter(pk=made.pk), now=timezone.now())

    assert count == 1
    with pytest.raises(Gone, match="withdrawn"):
        ask(token)


def test_a_used_one_cannot_be_withdrawn():
    token = token_for("a")
    ask(token)

    assert withdraw(Invite.objects.all(), now=timezone.now()) == 0


def test_a_token_that_nobody_made_is_refused():
    with pytest.raises(NotAllowed, match="no invitation has this token"):
        ask("hivejoin_nonsense")


@pytest.mark.parametrize("known", ["node", "credential"])
def test_an_open_invitation_takes_nobody_s_name(known):
    if known == "node":
        Node.objects.create(name="box")
    else:
        ask(token_for("box"))

    with pytest.raises(Conflict, match="hive invite --name box"):
        ask(token_for(), nonce=OTHER)


def test_a_name_that_was_refused_leaves_the_invitation_unused():
    Node.objects.create(name="box")
    token = token_for()
    with pytest.raises(Conflict):
        ask(token)

    assert ask(token, name="box-2").node == "box-2"


def test_inviting_a_name_again_kills_its_older_keys_for_ever(settings):
    ask(token_for("a"))
    older = key_of("a")

    ask(token_for("a"), nonce=OTHER)

    assert key_of("a") != older
    assert load_standings()["a"] == Standing(3)


def test_a_database_that_lost_an_invitation_gives_no_key_for_a_second_time():
    ask(token_for("a"))
    stolen = key_of("a")
    NodeCredential.objects.all().delete()
    settle(timezone.now(), timezone.now())

    ask(token_for("a"), nonce=OTHER)

    assert key_of("a") != stolen


def test_whoever_is_revoked_has_no_key_and_is_lost():
    ask(token_for("a"))
    Node.objects.create(name="a", state=NodeState.ONLINE)

    row = revoke_credential("a", who="ann", now=timezone.now())

    node = Node.objects.get(name="a")
    assert (row.revoked_by, node.state, node.reason) == ("ann", NodeState.LOST, REVOKED)
    with pytest.raises(Revoked):
        key_of("a")


def test_a_node_that_never_joined_can_be_revoked_too():
    Node.objects.create(name="spore-1")

    revoke_credential("spore-1", who="ann", now=timezone.now())

    assert load_standings() == {"spore-1": Standing(1, revoked=True)}


def test_revoking_twice_keeps_who_did_it_first():
    ask(token_for("a"))
    revoke_credential("a", who="ann", now=timezone.now())

    row = revoke_credential("a", who="bob", now=timezone.now())

    assert row.revoked_by == "ann"


def test_nobody_of_that_name_can_be_revoked():
    with pytest.raises(NotFound, match="no node is named 'nobody'"):
        revoke_credential("nobody", who="ann", now=timezone.now())


def test_a_revoked_name_comes_back_by_an_invitation_for_it():
    ask(token_for("a"))
    revoke_credential("a", who="ann", now=timezone.now())

    ask(token_for("a"), nonce=OTHER)

    assert load_standings() == {"a": Standing(3)}


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"name": "no spaces"}, "name"),
        ({"name": "join"}, "name"),
        ({"slots": 0}, "slots"),
        ({"labels": {"1": "x"}}, "labels"),
        ({"capabilities": ["two\nlines"]}, "capabilities"),
        ({"channels": ["beta"]}, "channels"),
        ({"channels": []}, "channels"),
    ],
)
def test_what_no_node_can_be_is_not_promised(wish, field):
    with pytest.raises(Invalid) as refused:
        invite(Wish(**wish), ttl=60, who="ann", now=timezone.now())

    assert refused.value.field == field


@pytest.mark.parametrize("ttl", [0, -1, 10**9, float("nan")])
def test_how_long_it_may_last(ttl):
    with pytest.raises(Invalid, match="seconds"):
        invite(Wish(), ttl=ttl, who="ann", now=timezone.now())


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")
@pytest.mark.parametrize("_", range(5))
def test_of_two_machines_of_one_name_that_ask_at_once_one_is_let_in(_, monkeypatch):
    tokens, both = [token_for(), token_for()], Barrier(2)
    monkeypatch.setattr(invitations, "check_name", lambda name: both.wait(5) is None or name)

    def join(token: str) -> str:
        try:
            return ask(token).node
        except Conflict as fact:
            return str(fact)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        said = sorted(pool.map(join, tokens))

    assert said[0] == "box"
    assert "there is or was a node 'box'" in said[1]
