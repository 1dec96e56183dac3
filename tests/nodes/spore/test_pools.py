import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_site.kernel.envelope import member_key, node_key, pool_key, pool_of
from hive_site.kernel.errors import Invalid
from nodes.domain.acl import all_of, user_name
from nodes.domain.names import NODE_NAME
from nodes.guests import password_of
from nodes.keyring import Keyring
from nodes.spore.pools import is_pool_name, read_pool

FLEET, KEY = "fleet", "0f" * 32
names = st.from_regex(NODE_NAME, fullmatch=True)
pools = names.filter(is_pool_name)


def written(pool: str) -> str:
    return f"{pool}:{pool_key(FLEET, pool).hex()}"


@given(pools, st.text())
def test_a_member_names_itself_and_derives_the_key_that_the_nexus_knows(pool, host):
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(socket, "gethostname", lambda: host)
        member = read_pool(written(pool)).name_member()

    assert NODE_NAME.fullmatch(member)
    assert pool_of(member) == pool
    assert read_pool(written(pool)).key_of(member) == node_key(FLEET, member)


def test_a_pool_comes_into_redis_with_what_the_foreman_expects():
    user, password = read_pool(written("ants")).login

    assert user == user_name(all_of("ants"))
    assert password == password_of(all_of("ants"), Keyring(FLEET))


def test_of_a_long_host_name_the_end_counts(monkeypatch):
    pods = [f"{'x' * 60}-7d9c5b6f4d-{end}" for end in ("x2x9z", "q8r4k")]
    pool = read_pool(written("spore"))
    found = set()
    for pod in pods:
        monkeypatch.setattr(socket, "gethostname", lambda pod=pod: pod)
        found.add(pool.name_member())

    assert len(found) == 2
    assert {len(name) for name in found} == {48}


@given(pools, names)
def test_the_key_of_a_pool_opens_nothing_but_the_pool(pool, node):
    if pool_of(node) == pool:
        return
    own = read_pool(written(pool))

    with pytest.raises(Invalid, match="is not of the pool of HIVE_POOL_KEY"):
        own.key_of(node)
    assert member_key(own.key, node) != node_key(FLEET, node)


def test_a_key_that_one_node_was_given_alone_is_none_that_its_pool_can_derive():
    own = read_pool(written("spore"))
    derived = {member_key(own.key, "spore--1", generation=n) for n in range(1, 9)}

    assert node_key(FLEET, "spore--1") in derived
    assert node_key(FLEET, "spore--1", generation=2) not in derived


def test_nodes_of_no_pool_keep_the_keys_they_had():
    assert node_key("f", "spore-1") == member_key(b"f", "spore-1")
    assert [pool_of(name) for name in ("box", "box--", "--box", "a--b", "a--b--c")] == [
        *("", "", "", "a", "a"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        *("spore", "spore:", "spore:s3cret", "spore:00ff", f"spore:{KEY[2:]}", f"spore:{KEY}00"),
        *(f":{KEY}", f"sp ore:{KEY}", f"a--b:{KEY}", f"a-:{KEY}", f"{'x' * 25}:{KEY}"),
    ],
)
def test_what_is_no_key_of_a_pool_is_told_and_not_shown(text):
    with pytest.raises(Invalid, match="HIVE_POOL_KEY: give POOL:KEY") as refusal:
        read_pool(text)

    assert text not in str(refusal.value)


def test_the_key_of_a_pool_is_in_no_log():
    assert pool_key(FLEET, "spore").hex() not in repr(read_pool(written("spore")))
    assert repr(pool_key(FLEET, "spore")) not in repr(read_pool(written("spore")))
    assert read_pool("") is None
