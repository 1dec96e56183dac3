"""Membership in a pool: Spores that are started alike, in any number, with one key between them.

Each has a name of its own, which begins with the pool's, and a key of its own, which only the
Nexus and whoever has the pool's key can derive.
"""

import re
import socket
from dataclasses import dataclass, field

from hive_site.kernel.envelope import POOL_MARK, member_key, pool_of, redis_password
from hive_site.kernel.errors import Invalid
from nodes.domain.acl import all_of, user_name
from nodes.domain.names import NODE_NAME

LONGEST_NAME, KEY_BYTES = 48, 32
RULE = "give POOL:KEY, as deploy/make_secrets.py writes it into pool_keys/"


@dataclass(frozen=True, slots=True)
class Pool:
    """A pool that this machine may start Spores of."""

    name: str
    key: bytes = field(repr=False)

    def name_member(self) -> str:
        """A name for the Spore of this host. The end of a host's name is what tells it apart."""
        return name_member(self.name, socket.gethostname())

    @property
    def login(self) -> tuple[str, str]:
        """What Redis calls the nodes of this pool, and their password there."""
        return user_name(all_of(self.name)), redis_password(self.name, self.key)

    def key_of(self, member: str) -> bytes:
        """The key of one of its Spores. Raises `Invalid` for a name that is none of its own."""
        if pool_of(member) != self.name:
            rule = f"call it {self.name}{POOL_MARK}SOMETHING, or leave --name out"
            reason = f"--name {member!r} is not of the pool of HIVE_POOL_KEY; {rule}"
            raise Invalid(reason, field="name")
        return member_key(self.key, member)


def name_member(pool: str, host: str) -> str:
    """What the Spore on a host is called whose key is derived from its pool's."""
    head = pool + POOL_MARK
    host = re.sub(r"[^A-Za-z0-9_-]", "-", host.partition(".")[0])
    return head + (host[-(LONGEST_NAME - len(head)) :] or "spore")


def read_pool(text: str) -> Pool | None:
    """The pool whose name and key these are; None if there is no text. Raises `Invalid`."""
    if not text:
        return None
    name, _, key = text.partition(":")
    try:
        secret = bytes.fromhex(key)
    except ValueError:
        secret = b""
    if not (len(secret) == KEY_BYTES and is_pool_name(name)):
        # Not its value: it is a secret.
        raise Invalid(f"HIVE_POOL_KEY: {RULE}", field="HIVE_POOL_KEY")
    return Pool(name, secret)


def is_pool_name(name: str) -> bool:
    """Whether a pool may be called so, and its nodes still have room for names of their own."""
    fits = NODE_NAME.fullmatch(name) and len(name) <= LONGEST_NAME // 2
    return bool(fits) and POOL_MARK not in name and not name.endswith("-")
