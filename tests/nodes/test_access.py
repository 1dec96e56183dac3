"""Nodes as users of a real Redis."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime, timedelta

import pytest
import redis as library
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError

from hive_site.kernel.redis import connect
from hive_site.kernel.redis_login import with_login
from hive_site.kernel.sentinel import read_watched
from nodes import access, wire
from nodes.access import Doorkeeper, NoUsers
from nodes.domain.acl import SELECTORS, all_of
from nodes.guests import password_of
from nodes.joining import _about_redis
from nodes.keyring import Keyring, Standing
from nodes.spore.pools import read_pool

CHANNEL, NOW = "hive:broadcast", datetime(2026, 11, 27, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_the_address_for_others_has_their_password_and_none_of_ours():
    mine = "rediss://:ours@redis.example:6380/2?ssl_ca_certs=/etc/ca.pem&ssl_min_version=771"

    theirs = access.address_for(mine, node="gpu-1", password="p/w")

    assert theirs == "rediss://node%3Agpu-1:p%2Fw@redis.example:6380/2?ssl_min_version=771"


def test_a_password_in_a_parameter_is_left_out_too():
    theirs = access.address_for("redis://h:1/0?password=ours&username=u", node="a", password="pw")

    assert theirs == "redis://node%3Aa:pw@h:1/0"


def test_without_users_the_address_is_the_one_that_all_share():
    assert access.address_for("redis://:ours@h:1/0") == "redis://:ours@h:1/0"


REFUSAL = NoPermissionError("this user has no permissions to run the 'acl' command")


def test_a_redis_that_moves_is_told_of_with_all_who_know_where_it_is():
    mine = "rediss+sentinel://u:ours@h1:26379,[::1]:26380/group/2?sentinel_password=s"

    theirs = access.address_for(mine, node="gpu-1", password="pw")

    watched = read_watched(theirs)
    assert watched.hosts == (("h1", 26379), ("::1", 26380))
    assert (watched.login["username"], watched.login["password"]) == ("node:gpu-1", "pw")
    assert watched.own_login["password"] == "s"


@pytest.mark.parametrize(
    ("url", "beware"),
    [
        ("rediss+sentinel://:p@h1:1,h2:2/m", []),
        ("redis+sentinel://:p@h1:1,h2:2/m", ["no TLS"]),
        ("redis+sentinel://:p@h1:1,127.0.0.1:2/m", ["this machine only"]),
        ("rediss+sentinel://:p@[fd00::1]:1,[fd00::2]:2/m", []),
        ("rediss://:p@redis.example:1/0", []),
        ("redis://:p@localhost:1/0", ["this machine only"]),
    ],
)
def test_what_keeps_others_from_reaching_redis_or_lets_them_read_it(url, beware):
    told = _about_redis(url)

    assert len(told) == len(beware)
    assert all(word in line for word, line in zip(beware, told, strict=True))


class Deaf:
    """A Redis that makes no users, as some that are rented."""

    def __init__(self) -> None:
        self.asked = 0

    def info(self, section: str) -> dict[str, str]:
        return {"redis_version": "7.2.4"}

    def execute_command(self, *words: str) -> None:
        self.asked += 1
        raise REFUSAL

    def pipeline(self) -> AbstractContextManager["Deaf"]:
        return nullcontext(self)

    def hgetall(self, name: str) -> dict[bytes, bytes]:
        return {}

    def hset(self, *words: object) -> None:
        raise AssertionError("it notes whom it did not let in")


def test_a_redis_that_makes_no_users_is_told_once_a_minute_and_stops_nothing():
    deaf = Deaf()
    keeper = Doorkeeper(deaf, Keyring("f", {"a": Standing(2)}), broadcasts=CHANNEL, required=False)

    for seconds in range(90):
        keeper.look(NOW + timedelta(seconds=seconds))

    assert deaf.asked == 2


def test_where_nobody_was_invited_redis_is_not_asked():
    deaf = Deaf()

    Doorkeeper(deaf, Keyring("f"), broadcasts=CHANNEL, required=True).look(NOW)

    assert deaf.asked == 0


def test_letting_somebody_in_says_that_it_cannot_be():
    with pytest.raises(NoUsers, match="HIVE_REDIS_ACL"):
        access.admit(Deaf(), ["a"], Keyring("f", {"a": Standing(2)}), broadcasts=CHANNEL)


@pytest.fixture
def server(real_broker):
    """A real server, without the users that tests made."""
    client = real_broker.open()
    yield client
    for name in access.list_users(client):
        access.expel(client, name)


def ring(**standings: Standing) -> Keyring:
    return Keyring("fleet", {name.replace("_", "-"): each for name, each in standings.items()})


def keep(client, keyring: Keyring, pools: Sequence[str] = ()) -> Doorkeeper:
    return Doorkeeper(client, keyring, broadcasts=CHANNEL, required=True, pools=pools)


def enter(real_broker, keyring: Keyring, node: str) -> library.Redis:
    """A client that is that node."""
    password = password_of(node, keyring)
    return connect(access.address_for(real_broker.url, node=node, password=password))


@pytest.mark.processes
def test_whoever_joined_enters_with_what_follows_from_its_key(server, real_broker):
    keyring = ring(a=Standing(2))

    access.admit(server, ["a"], keyring, broadcasts=CHANNEL)

    assert enter(real_broker, keyring, "a").set(wire.proof_key("a"), "x")
    with pytest.raises(AuthenticationError):
        enter(real_broker, ring(a=Standing(3)), "a").ping()


@pytest.mark.processes
def test_an_older_key_is_put_out_when_a_newer_one_comes_in(server, real_broker):
    older, newer = ring(a=Standing(2)), ring(a=Standing(3))
    access.admit(server, ["a"], older, broadcasts=CHANNEL)
    client = enter(real_broker, older, "a")
    client.ping()

    access.admit(server, ["a"], newer, broadcasts=CHANNEL)

    with pytest.raises(RedisError):
        client.ping()
    with pytest.raises(AuthenticationError):
        enter(real_broker, older, "a").ping()
    assert enter(real_broker, newer, "a").ping()


@pytest.mark.processes
def test_the_foreman_makes_who_is_missing_and_deletes_who_was_revoked(server):
    access.admit(server, ["b"], ring(b=Standing(2)), broadcasts=CHANNEL)
    server.execute_command("ACL", "SETUSER", "somebody-else", "on", ">pw")
    keyring = ring(a=Standing(2), b=Standing(2, revoked=True), c_1=Standing(4))

    keep(server, keyring).look(NOW)

    assert set(access.list_users(server)) == {"a", "c-1"}
    assert server.execute_command("ACL", "DELUSER", "somebody-else") == 1


def enter_as(real_broker, pool: str) -> library.Redis:
    """A client that is a Spore of that pool."""
    key = f"{pool}:{ring().pool_key(pool).hex()}"
    return connect(with_login(real_broker.url, *read_pool(key).login))


@pytest.mark.processes
def test_nodes_of_a_pool_touch_what_is_the_pool_s_and_nothing_else(server, real_broker):
    keep(server, ring(a=Standing(2)), pools=["ants", "bees"]).look(NOW)
    ants = enter_as(real_broker, "ants")

    for node in ("ants--1", "ants--2"):
        assert ants.set(wire.proof_key(node), "x")
    for other in ("a", "bees--1", "ants", "ants--"):
        with pytest.raises(NoPermissionError):
            ants.set(wire.proof_key(other), "x")
    with pytest.raises(NoPermissionError):
        ants.get(wire.SNAPSHOT)
    assert enter_as(real_broker, "bees").ping()


@pytest.mark.processes
def test_a_pool_that_is_named_no_more_is_put_out(server, real_broker):
    keep(server, ring(), pools=["ants", "bees"]).look(NOW)
    ants = enter_as(real_broker, "ants")
    ants.ping()

    keep(server, ring(), pools=["bees"]).look(NOW)
    left = access.list_users(server)
    keep(server, ring()).look(NOW)

    with pytest.raises(RedisError):
        ants.ping()
    assert (left, access.list_users(server)) == ({all_of("bees")}, set())


@pytest.mark.processes
def test_what_is_right_already_is_left_alone(server, real_broker):
    keyring = ring(a=Standing(2))
    keep(server, keyring).look(NOW)
    client = enter(real_broker, keyring, "a")
    before = client.client_info()["id"]

    keep(server, keyring).look(NOW)

    assert client.client_info()["id"] == before  # nobody cut its connection


@pytest.mark.processes
def test_a_redis_that_forgot_its_users_gets_them_back_at_the_next_look(server):
    keeper = Doorkeeper(server, ring(a=Standing(2)), broadcasts=CHANNEL, required=True)
    keeper.look(NOW)
    access.expel(server, "a")

    keeper.look(NOW + MINUTE / 2)
    unseen = set(access.list_users(server))
    keeper.doubt()
    keeper.look(NOW + MINUTE / 2)

    assert (unseen, set(access.list_users(server))) == (set(), {"a"})


@pytest.mark.processes
def test_many_come_in_one_after_the_other_so_that_nobody_waits_for_all_of_them(server):
    keeper = keep(server, Keyring("fleet", {f"n-{number}": Standing(2) for number in range(60)}))

    more = [keeper.look(NOW) for _ in range(3)]

    assert more == [True, True, False]
    assert len(access.list_users(server)) == 60


@pytest.mark.processes
def test_whoever_is_revoked_while_others_wait_at_the_door_is_not_let_in(server):
    standings = {f"n-{number:02}": Standing(2) for number in range(60)}
    keyring = Keyring("fleet", standings)
    keeper = keep(server, keyring)
    keeper.look(NOW)

    keyring.take({**standings, "n-59": Standing(2, revoked=True)})
    while keeper.look(NOW):
        pass

    assert set(access.list_users(server)) == standings.keys() - {"n-59"}


@pytest.mark.processes
def test_connections_that_cannot_be_cut_stop_nobody(server, real_broker):
    maker = real_broker.open()
    maker.execute_command("ACL", "SETUSER", "maker", "on", ">pw", "~*", "+@all", "-client|kill")
    maker.connection_pool.connection_kwargs |= {"username": "maker", "password": "pw"}
    maker.connection_pool.disconnect()

    keep(maker, ring(a=Standing(2))).look(NOW)

    assert set(access.list_users(server)) == {"a"}
    server.execute_command("ACL", "DELUSER", "maker")


@pytest.mark.processes
@pytest.mark.parametrize("name", ["beat", "report", "queue", "intermediate", "orders", "commands"])
@pytest.mark.parametrize("command", [("SET", "x"), ("HSET", "f", "x"), ("SADD", "x")])
def test_no_node_can_leave_something_else_where_the_foreman_reads(
    server, real_broker, name, command
):
    if access.read_version(server) < SELECTORS:
        pytest.skip("Redis 7 can tell commands apart by their keys")
    keyring = ring(a=Standing(2))
    access.admit(server, ["a"], keyring, broadcasts=CHANNEL)
    node, key = enter(real_broker, keyring, "a"), getattr(wire, f"{name}_key")("a")

    with pytest.raises(NoPermissionError):
        node.execute_command(command[0], key, *command[1:])
