"""What a guest may do in Redis: everything with its own keys, and of what all share the least.

A guest is one node, by its name, or all nodes of a pool, by the pattern of their names.

https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

#: Redis 7 can allow a command for some keys only, and refuses rules for what it does not know.
SELECTORS, SETINFO = (7, 0), (7, 2)
#: Without keys: transactions, the clock, subscriptions, and what a connection says of itself.
KEYLESS = (
    *("ping", "time", "select", "multi", "exec", "discard", "subscribe", "unsubscribe"),
    *("pubsub|numsub", "client|setname", "client|info"),
)
#: What the client library tries first, whoever it speaks to. Redis 7.0 knows neither, later ones
#: know the first; older ones do not mind either in their rules.
GREETINGS = ("client|setinfo", "client|maint_notifications")
HEX = "[0-9a-f]"
#: Behind a pool's name: how those of its nodes go on, as a pattern. No name holds such signs.
ALL = "--?*"


@dataclass(frozen=True, slots=True)
class Grant:
    """Commands that a guest may use on some keys. With others it could leave something there that
    whoever reads it does not expect, and stop them."""

    commands: tuple[str, ...]
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reach:
    """The keys and channels of one guest, as patterns, and what it shares with all others."""

    own: tuple[Grant, ...]
    channels: tuple[str, ...]
    shared: tuple[Grant, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """The patterns of its own keys."""
        return tuple(dict.fromkeys(key for grant in self.own for key in grant.keys))


def all_of(pool: str) -> str:
    """The guest that all nodes of a pool are."""
    return pool + ALL


def pool_of_all(guest: str) -> str:
    """The pool whose nodes this guest is; empty if it is one node."""
    return guest.removesuffix(ALL) if guest.endswith(ALL) else ""


def user_name(guest: str) -> str:
    """What Redis calls a guest."""
    pool = pool_of_all(guest)
    return f"pool:{pool}" if pool else f"node:{guest}"


def guest_of(user: str) -> str:
    """Which guest a user of Redis is; empty if it is none."""
    kind, _, name = user.partition(":")
    return {"node": name, "pool": all_of(name)}.get(kind, "") if name else ""


def digits(count: int) -> str:
    """A pattern of so many hexadecimal digits: no name that goes on with a dash fits in."""
    return HEX * count


def compose_rules(reach: Reach, *, password: str, version: Sequence[int]) -> list[str]:
    """The arguments of ACL SETUSER behind the user's name: all it may do, and nothing else.

    Before Redis 7 whoever may use a command may use it on every key that it may touch at all.
    """
    fine = tuple(version) >= SELECTORS
    known = 2 if not fine else int(tuple(version) >= SETINFO)
    digest = hashlib.sha256(password.encode()).hexdigest()
    rules = ["reset", "resetchannels", "on", f"#{digest}"]
    rules += [f"&{channel}" for channel in reach.channels]
    rules += [f"+{command}" for command in (*KEYLESS, *GREETINGS[:known])]
    rules += [rule for each in (*reach.own, *reach.shared) for rule in _allow(each, fine=fine)]
    return rules


def _allow(grant: Grant, *, fine: bool) -> list[str]:
    keys = [f"~{pattern}" for pattern in grant.keys]
    commands = [f"+{command}" for command in grant.commands]
    return [f"({' '.join([*commands, *keys])})"] if fine else keys + commands


def mark(rules: Sequence[str]) -> bytes:
    """Tells these rules from any others."""
    return hashlib.sha256("\n".join(rules).encode()).hexdigest()[:32].encode()
