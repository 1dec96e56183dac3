"""The keys of nodes, as their credentials stand."""

import pytest

from hive_site.kernel.envelope import node_key
from nodes.keyring import Keyring, Revoked, Standing


def test_a_node_without_a_credential_has_the_key_that_it_always_had():
    assert Keyring("fleet").key_of("spore-1") == node_key("fleet", "spore-1")


def test_each_generation_has_another_key():
    keys = [
        Keyring("fleet", {"spore-1": Standing(generation)}).key_of("spore-1")
        for generation in (1, 2, 3, 12)
    ]

    assert len(set(keys)) == 4


def test_no_generation_of_one_name_is_another_name():
    """The parts of what is signed cannot be moved from one to the other."""
    assert node_key("fleet", "1|a") != node_key("fleet", "a", generation=11)
    assert node_key("fleet", "a", generation=1) != node_key("fleet", "a", generation=11)


def test_whoever_was_revoked_has_no_key_from_then_on():
    ring = Keyring("fleet")
    ring.key_of("spore-1")

    ring.take({"spore-1": Standing(revoked=True)})

    assert (ring.is_revoked("spore-1"), ring.is_revoked("spore-2")) == (True, False)
    with pytest.raises(Revoked, match="hive invite --name spore-1"):
        ring.key_of("spore-1")


def test_only_what_is_new_is_news():
    ring = Keyring("fleet")

    news = [ring.take({"a": Standing(2)}), ring.take({"a": Standing(2)}), ring.take({})]

    assert news == [True, False, True]


def test_who_is_to_be_let_in_and_who_is_to_be_put_out():
    ring = Keyring("fleet", {"a": Standing(2), "b": Standing(3, revoked=True), "c": Standing(1)})

    assert (ring.invited(), ring.revoked()) == (["a"], ["b"])
