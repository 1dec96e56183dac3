"""Nodes as users of Redis: who joined by invitation may touch its own keys, and nobody else's.
The nodes of a pool, which share one key, are one user.

Redis keeps users in memory only. The database says who there is, and the Foreman sees to it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

import structlog
from redis import Redis
from redis.exceptions import ResponseError

from hive_site.kernel.redis_login import with_login, without
from nodes import wire
from nodes.domain.acl import all_of, guest_of, pool_of_all, user_name
from nodes.guests import marks, rules_of
from nodes.keyring import Keyring

log = structlog.get_logger()
#: What HIVE_REDIS_ACL may be.
AUTO, REQUIRE, OFF = "auto", "require", "off"
LOOK_EVERY = timedelta(minutes=1)
RULE = "HIVE_REDIS_ACL says what then"
#: So many users are made before the Foreman looks after its other duties; so many are named.
AT_ONCE, TOLD = 25, 10
#: What an address may carry that holds for this machine only.
CERTIFICATES = frozenset({"ssl_ca_certs"})


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

    def __init__(
        self,
        client: Redis,
        keyring: Keyring,
        *,
        broadcasts: str,
        required: bool,
        pools: Sequence[str] = (),
    ) -> None:
        """`pools` are let in, whoever of their nodes there is."""
        self._client, self._keyring = client, keyring
        self._pools = [all_of(pool) for pool in pools]
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
        known = [*self._pools, *self._keyring.invited()], self._keyring.revoked()
        due = self._due_at is None or now >= self._due_at or known != self._known
        try:
            if due:
                self._missing = self._compare(*known)
                self._known, self._due_at = known, now + LOOK_EVERY
            some, self._missing = self._missing[:AT_ONCE], self._missing[AT_ONCE:]
            admit(self._client, some, self._keyring, self._version, broadcasts=self._broadcasts)
        except NoUsers as fact:
            self._missing, self._known, self._due_at = [], known, now + LOOK_EVERY
            tell = log.error if self._required else log.warning
            tell("access.no_users", reason=str(fact), guests=len(known[0]))
        return bool(self._missing)

    def _compare(self, welcome: list[str], unwelcome: list[str]) -> list[str]:
        """Who is missing, or in with other rules. Users that are no guests of ours are let be."""
        # ACL LIST would say it too, and stop Redis 7.0 for seconds while it writes it down.
        noted = {
            name.decode(): is_so for name, is_so in self._client.hgetall(wire.ADMITTED).items()
        }
        if not (welcome or unwelcome or noted):
            return []
        self._version, there = read_version(self._client), list_users(self._client)
        former = [name for name in noted if pool_of_all(name) and name not in self._pools]
        out = [name for name in (*unwelcome, *former) if name in there]
        for name in out:
            expel(self._client, name)
        mark_of = marks(self._keyring, self._version, self._broadcasts)
        missing = [
            name for name in welcome if name not in there or noted.get(name) != mark_of(name)
        ]
        if out or missing:
            log.info("access.changes", admits=len(missing), among=missing[:TOLD], expelled=out)
        return missing


def admit(
    client: Redis,
    guests: Sequence[str],
    keyring: Keyring,
    version: tuple[int, ...] = (),
    *,
    broadcasts: str,
) -> None:
    """Let guests in, and cut what was connected with older keys. Raises `NoUsers`."""
    if not guests:
        return
    version = version or read_version(client)
    mark_of = marks(keyring, version, broadcasts)
    try:
        # In one: what is noted is what was done last, whoever else lets somebody in.
        with client.pipeline() as pipe:
            for guest in guests:
                rules = rules_of(guest, keyring, version, broadcasts)
                pipe.execute_command("ACL", "SETUSER", user_name(guest), *rules)
                pipe.hset(wire.ADMITTED, guest, mark_of(guest))
            pipe.execute()
    except ResponseError as error:
        raise NoUsers(f"{error}; {RULE}") from error
    _cut(client, guests)


def _cut(client: Redis, guests: Sequence[str]) -> None:
    """Whoever came in with an older password would stay."""
    pipe = client.pipeline(transaction=False)
    for guest in guests:
        pipe.execute_command("CLIENT", "KILL", "USER", user_name(guest))
    refused = [x for x in pipe.execute(raise_on_error=False) if isinstance(x, ResponseError)]
    if refused:  # as if it was put out meanwhile
        log.warning("access.not_cut", reason=str(refused[0]), guests=len(refused))


def expel(client: Redis, guest: str) -> bool:
    """Put a guest out, with all its connections; whether it was in. Raises `NoUsers`."""
    # Its connections end with it.
    was_in = bool(_command(client, "DELUSER", user_name(guest)))
    client.hdel(wire.ADMITTED, guest)
    return was_in


def list_users(client: Redis) -> set[str]:
    """The guests that are users of Redis. Raises `NoUsers`."""
    users = [user.decode(errors="replace") for user in _command(client, "USERS")]
    return {guest for guest in map(guest_of, users) if guest}


def address_for(url: str, *, node: str = "", password: str = "") -> str:
    """The address of Redis for a machine elsewhere, with a password of its own if it has one."""
    theirs = without(url, CERTIFICATES)
    return with_login(theirs, user_name(node), password) if password else theirs


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
