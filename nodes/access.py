"""Nodes as users of Redis: who joined by invitation may touch its own keys, and nobody else's.

Redis keeps users in memory only. The database says who there is, and the Foreman sees to it.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import structlog
from redis import Redis
from redis.exceptions import ResponseError

from hive_site.kernel.envelope import sign
from hive_site.kernel.redis import key
from nodes import wire
from nodes.domain.acl import Grant, Reach, compose_rules, digits, mark, node_of, user_name
from nodes.keyring import Keyring

log = structlog.get_logger()
PURPOSE = "redis"
#: What HIVE_REDIS_ACL may be.
AUTO, REQUIRE, OFF = "auto", "require", "off"
LOOK_EVERY = timedelta(minutes=1)
RULE = "HIVE_REDIS_ACL says what then"
#: So many users are made before the Foreman looks after its other duties; so many are named.
AT_ONCE, TOLD = 25, 10
#: What an address may carry: where our own certificates lie, and a login.
CERTIFICATES, LOGIN = {"ssl_ca_certs"}, {"username", "password"}


class NoUsers(Exception):
    """This Redis lets us make no users."""


class Access(Protocol):
    """Who may enter Redis, as a Foreman sees to it."""

    def doubt(self) -> None:
        """Redis may have forgotten everybody."""

    def look(self, now: datetime) -> bool:
        """Let in some of who is missing, and put out who was revoked; whether more wait."""


class NoAccess:
    """Where nodes are no users of Redis."""

    def doubt(self) -> None:
        """Nobody was let in."""

    def look(self, now: datetime) -> bool:
        """Nobody is missing."""
        return False


class Doorkeeper:
    """The Foreman's. Cheap: it reads the list of users once a minute, or when something is new."""

    def __init__(self, client: Redis, keyring: Keyring, *, broadcasts: str, required: bool) -> None:
        self._client, self._keyring = client, keyring
        self._broadcasts, self._required = broadcasts, required
        self._due_at: datetime | None = None
        self._known: tuple[list[str], list[str]] = ([], [])
        self._version: tuple[int, ...] = ()
        #: Who is to be let in next.
        self._missing: list[str] = []

    def doubt(self) -> None:
        """Redis may have forgotten everybody."""
        self._due_at = None

    def look(self, now: datetime) -> bool:
        """Let in some of who is missing, and put out who was revoked; whether more wait."""
        known = self._keyring.invited(), self._keyring.revoked()
        due = self._due_at is None or now >= self._due_at or known != self._known
        try:
            if due:
                self._missing = self._compare() if any(known) else []
                self._known, self._due_at = known, now + LOOK_EVERY
            some, self._missing = self._missing[:AT_ONCE], self._missing[AT_ONCE:]
            admit(self._client, some, self._keyring, self._version, broadcasts=self._broadcasts)
        except NoUsers as fact:
            self._missing, self._known, self._due_at = [], known, now + LOOK_EVERY
            tell = log.error if self._required else log.warning
            tell("access.no_users", reason=str(fact), nodes=len(known[0]))
        return bool(self._missing)

    def _compare(self) -> list[str]:
        """Who is missing, or in with other rules. Users that are no nodes of ours are let be."""
        self._version, there = read_version(self._client), list_users(self._client)
        out = [name for name in self._keyring.revoked() if name in there]
        for name in out:
            expel(self._client, name)
        # ACL LIST would say it too, and stop Redis 7.0 for seconds while it writes it down.
        noted = self._client.hgetall(wire.ADMITTED)
        mark_of = marks(self._keyring, self._version, self._broadcasts)
        missing = [
            name
            for name in self._keyring.invited()
            if name not in there or noted.get(name.encode()) != mark_of(name)
        ]
        if out or missing:
            log.info("access.changes", admits=len(missing), among=missing[:TOLD], expelled=out)
        return missing


def marks(keyring: Keyring, version: tuple[int, ...], broadcasts: str) -> Callable[[str], bytes]:
    """What tells the rules of a node from its earlier ones; there are many nodes to be told of."""
    alike = compose_rules(reach_of("", broadcasts), password="", version=version)
    return lambda node: mark([*alike, password_of(node, keyring)])


def admit(
    client: Redis,
    nodes: Sequence[str],
    keyring: Keyring,
    version: tuple[int, ...] = (),
    *,
    broadcasts: str,
) -> None:
    """Let nodes in, and cut what was connected with older keys. Raises `NoUsers`."""
    if not nodes:
        return
    version = version or read_version(client)
    mark_of = marks(keyring, version, broadcasts)
    try:
        # In one: what is noted is what was done last, whoever else lets somebody in.
        with client.pipeline() as pipe:
            for node in nodes:
                rules = rules_of(node, keyring, version, broadcasts)
                pipe.execute_command("ACL", "SETUSER", user_name(node), *rules)
                pipe.hset(wire.ADMITTED, node, mark_of(node))
            pipe.execute()
    except ResponseError as error:
        raise NoUsers(f"{error}; {RULE}") from error
    _cut(client, nodes)


def _cut(client: Redis, nodes: Sequence[str]) -> None:
    """Whoever came in with an older password would stay."""
    pipe = client.pipeline(transaction=False)
    for node in nodes:
        pipe.execute_command("CLIENT", "KILL", "USER", user_name(node))
    refused = [x for x in pipe.execute(raise_on_error=False) if isinstance(x, ResponseError)]
    if refused:  # as if it was put out meanwhile
        log.warning("access.not_cut", reason=str(refused[0]), nodes=len(refused))


def expel(client: Redis, node: str) -> bool:
    """Put a node out, with all its connections; whether it was in. Raises `NoUsers`."""
    # Its connections end with it.
    was_in = bool(_command(client, "DELUSER", user_name(node)))
    client.hdel(wire.ADMITTED, node)
    return was_in


def list_users(client: Redis) -> set[str]:
    """The nodes that are users of Redis. Raises `NoUsers`."""
    users = [user.decode(errors="replace") for user in _command(client, "USERS")]
    return {name for name in map(node_of, users) if name}


def password_of(node: str, keyring: Keyring) -> str:
    """A node's password for Redis, which follows from its key. Raises `Revoked`."""
    return sign(node.encode(), keyring.key_of(node), PURPOSE).decode()


def rules_of(node: str, keyring: Keyring, version: tuple[int, ...], broadcasts: str) -> list[str]:
    """All that a node may do. Raises `Revoked`."""
    password = password_of(node, keyring)
    return compose_rules(reach_of(node, broadcasts), password=password, version=version)


def reach_of(node: str, broadcasts: str) -> Reach:
    """The keys and channels of a node. Names hold no character that a pattern takes for another."""
    queue, popped = wire.queue_key(node), wire.intermediate_key(node)
    bundles = wire.bundle_key(f"{node}-{digits(wire.BUNDLE_DIGITS)}")
    probes = wire.bundle_key(wire.probe_id(node, "*"))
    own = (
        Grant(("xadd", "expire", "xrevrange"), (wire.beat_key(node),)),
        Grant(("xadd",), (wire.report_key(node),)),
        Grant(("get",), (wire.orders_key(node),)),
        Grant(("lpop",), (wire.commands_key(node),)),
        Grant(("get", "set"), (wire.proof_key(node),)),
        Grant(("lmove", "blmove", "lindex", "lrange", "lrem"), (queue, popped)),
        Grant(("lpush",), (queue,)),
        Grant(("hset", "hexists", "hgetall", "expire", "del"), (bundles, probes)),
        Grant(("hset", "exists", "hexists", "expire", "del"), (f"rq:worker:{node}.*",)),
        Grant(("expire",), (f"rq:executions:{node}.*",)),
        Grant(("sadd", "srem"), (f"rq:workers:{node}",)),
    )
    shared = (
        Grant(("xadd",), (wire.INBOX,)),
        Grant(("sadd",), (wire.NODES,)),
        Grant(("exists",), (wire.cancel_key("*"),)),
        Grant(("xadd", "expire"), (wire.answers_key("*"),)),
        Grant(("set",), (wire.tasks_key("*"),)),
        Grant(("get", "set"), (key("cache", "*"),)),
        Grant(("sadd", "srem"), ("rq:workers",)),
    )
    return Reach(own, (wire.control_channel(node), broadcasts), shared)


def address_for(url: str, *, node: str = "", password: str = "") -> str:
    """The address of Redis for a machine elsewhere, with a password of its own if it has one."""
    parts = urlsplit(url)
    left_out = CERTIFICATES | LOGIN if password else CERTIFICATES
    query = [(name, value) for name, value in parse_qsl(parts.query) if name not in left_out]
    login, at, place = parts.netloc.rpartition("@")
    if password:
        login, at = f"{quote(user_name(node), safe='')}:{quote(password, safe='')}", "@"
    return urlunsplit(parts._replace(netloc=f"{login}{at}{place}", query=urlencode(query)))


def read_version(client: Redis) -> tuple[int, ...]:
    """The version of Redis; the oldest that we support where it does not tell."""
    try:
        told: Mapping[str, Any] = client.info("server")
        return tuple(int(part) for part in str(told["redis_version"]).split(".")[:2])
    except (ResponseError, KeyError, ValueError):
        return (6, 2)


def _command(client: Redis, *words: str) -> Any:
    try:
        return client.execute_command("ACL", *words)
    except ResponseError as error:
        raise NoUsers(f"{error}; {RULE}") from error
