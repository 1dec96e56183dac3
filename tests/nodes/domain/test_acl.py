"""What one node may do in Redis."""

import re
from fnmatch import fnmatchcase

from hypothesis import given
from hypothesis import strategies as st

from hive_site.kernel.envelope import pool_of
from jobs.wire import bundle_id
from nodes import wire
from nodes.domain.acl import all_of, compose_rules, guest_of, mark, pool_of_all, user_name
from nodes.guests import reach_of
from nodes.spore.identity import new_incarnation
from nodes.spore.pools import is_pool_name

pools = st.from_regex(r"[A-Za-z0-9_-]{1,24}", fullmatch=True).filter(is_pool_name)
names = st.from_regex(r"[A-Za-z0-9_-]{1,48}", fullmatch=True)
#: Names that begin alike, as those of a rack do, and go on like what is put behind a name.
parts = st.sampled_from(["a", "b", "-", "_", "-probe", "-0123456789abcd", "intermediate", "f"])
alike = st.lists(parts, min_size=1, max_size=4).map("".join)
attempts = st.integers(1, (2**24 << 32) - 1)


def keys_of(node: str, attempt: int) -> list[str]:
    """One of every kind of key that is a node's own."""
    incarnation = new_incarnation()
    worker = f"{node}.{incarnation}.77"
    return [
        wire.beat_key(node),
        wire.report_key(node),
        wire.orders_key(node),
        wire.commands_key(node),
        wire.proof_key(node),
        wire.queue_key(node),
        wire.intermediate_key(node),
        wire.bundle_key(bundle_id(node, attempt)),
        wire.bundle_key(wire.probe_id(node, incarnation)),
        f"rq:worker:{worker}",
        f"rq:executions:{worker}",
        f"rq:workers:{node}",
    ]


def reaches(node: str, key: str) -> bool:
    """Whether Redis lets a node touch a key: patterns of Redis are those of fnmatch here."""
    return any(fnmatchcase(key, pattern) for pattern in reach_of(node, "hive:broadcast").keys)


@given(names | alike, attempts)
def test_a_node_reaches_all_that_is_its_own(node, attempt):
    assert [key for key in keys_of(node, attempt) if not reaches(node, key)] == []


@given(names | alike, names | alike, attempts)
def test_no_node_reaches_what_is_another_s(one, other, attempt):
    if one == other:
        return

    assert [key for key in keys_of(other, attempt) if reaches(one, key)] == []


@given(pools, names | alike, attempts)
def test_a_pool_reaches_all_that_is_its_nodes_and_nothing_of_others(pool, name, attempt):
    inside, outside = f"{pool}--{name}"[:48], name if pool_of(name) != pool else f"x{name}"

    assert [key for key in keys_of(inside, attempt) if not reaches(all_of(pool), key)] == []
    assert [key for key in keys_of(outside, attempt) if reaches(all_of(pool), key)] == []


@given(names)
def test_a_node_reaches_nothing_that_belongs_to_the_foreman(node):
    others = (wire.EPOCH, wire.BOOT, wire.SNAPSHOT, wire.flight_key(node), "rq:queues")

    assert [key for key in others if reaches(node, key)] == []


@given(pools)
def test_a_user_of_redis_tells_which_pool_it_is(pool):
    assert guest_of(user_name(all_of(pool))) == all_of(pool)
    assert pool_of_all(all_of(pool)) == pool
    assert guest_of("pool:") == ""


@given(names)
def test_a_user_of_redis_tells_which_node_it_is(node):
    assert pool_of_all(node) == ""
    assert guest_of(user_name(node)) == node
    assert guest_of("default") == guest_of(f"x{user_name(node)}") == ""


def rules(version: tuple[int, int], password: str = "secret") -> list[str]:
    return compose_rules(reach_of("a", "hive:broadcast"), password=password, version=version)


def test_rules_begin_with_nothing_and_never_hold_the_password():
    made = rules((7, 0))

    assert made[:3] == ["reset", "resetchannels", "on"]
    assert re.fullmatch(r"#[0-9a-f]{64}", made[3])
    assert "secret" not in " ".join(made)
    assert not any(rule.startswith((">", "allkeys", "+@", "nopass")) for rule in made)


def test_redis_7_narrows_what_is_shared_to_the_commands_that_are_meant():
    old, new = rules((6, 2)), rules((7, 0))

    assert "~hive:cancel:*" in old
    assert "~hive:cancel:*" not in new
    assert "(+exists ~hive:cancel:*)" in new


def test_the_library_s_greeting_is_allowed_where_redis_knows_it():
    versions = ((6, 2), (7, 0), (7, 2), (8, 0))

    allowed = [version for version in versions if "+client|setinfo" in rules(version)]

    assert allowed == [(6, 2), (7, 2), (8, 0)]


def test_other_rules_and_other_passwords_have_another_mark():
    marks = {mark(rules((7, 0))), mark(rules((6, 2))), mark(rules((7, 0), "other"))}

    assert len(marks) == 3
    assert mark(rules((7, 0))) == mark(rules((7, 0)))
