"""How a machine comes in, and how it is put out for good: database and Redis together."""

import hashlib
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import structlog
from django.conf import settings

from hive_site.kernel.envelope import pool_of
from hive_site.kernel.errors import Unavailable
from hive_site.kernel.redis import RedisError
from hive_site.kernel.sentinel import is_watched, read_watched
from nodes import access
from nodes.credentials import load_keyring
from nodes.domain.acl import all_of, user_name
from nodes.domain.names import LOOPBACK
from nodes.guests import password_of
from nodes.inbox import shared_client
from nodes.invitations import redeem, revoke_credential
from nodes.joining_models import Invite
from nodes.keyring import Keyring

log = structlog.get_logger()
#: The root of trust for releases, as text; nothing if nobody published any.
FindRoot = Callable[[], str | None]
RULE = "HIVE_REDIS_ACL=auto lets nodes in with the password that all share"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a node that was revoked; `redis` says so in words."""

    name: str
    generation: int
    redis: str


def join(
    token: str,
    *,
    nonce: str,
    name: str,
    host: str,
    address: str,
    now: datetime,
    find_root: FindRoot,
) -> dict[str, Any]:
    """All that a machine needs to work for us, for the token of an invitation.

    Raises what `redeem` raises, and `Unavailable` while Redis is away or has no users though it
    must; asking again with the same nonce then goes on where this ended.
    """
    invite = redeem(token, nonce=nonce, name=name, host=host, address=address, now=now)
    keyring = load_keyring()
    log.info("node.joined", node=invite.node, generation=invite.generation, by=invite.made_by)
    return {
        "node": invite.node,
        "node_key": keyring.key_of(invite.node).hex(),
        "generation": invite.generation,
        "redis_url": _let_in(invite, keyring),
        "ca": authorities(),
        "ota_root": find_root(),
        "channels": invite.channels,
        "slots": invite.slots,
        "labels": invite.labels,
        "capabilities": invite.capabilities,
    }


def _let_in(invite: Invite, keyring: Keyring) -> str:
    """The address of Redis with what this node comes in with."""
    hive, url = settings.HIVE, settings.HIVE.join_redis_url or settings.REDIS_URL
    if hive.redis_acl == access.OFF:
        return access.address_for(url)
    try:
        admit = partial(access.admit, shared_client(), [invite.node], keyring)
        admit(broadcasts=hive.broadcast_channel)
    except access.NoUsers as fact:
        log.warning("access.no_users", node=invite.node, reason=str(fact))
        if hive.redis_acl == access.REQUIRE:
            raise Unavailable(f"Redis lets us make no users ({fact}); {RULE}") from fact
        return access.address_for(url)
    except (RedisError, OSError) as error:
        raise Unavailable("Redis is away; the same line works once it is back") from error
    password = password_of(invite.node, keyring)
    return access.address_for(url, node=invite.node, password=password)


def revoke(name: str, *, who: str, now: datetime) -> Outcome:
    """Make all keys of a node worthless, and cut its connections. Safe to repeat.

    Its work runs elsewhere as soon as the Foreman has heard of it. Raises `NotFound`.
    """
    row = revoke_credential(name, who=who, now=now)
    return Outcome(name, row.generation, _put_out(name, invited=row.generation > 1))


def _put_out(name: str, *, invited: bool) -> str:
    if settings.HIVE.redis_acl == access.OFF:
        return "it knows the password of Redis that all share: change that"
    try:
        was_in = access.expel(shared_client(), name)
    except access.NoUsers:
        return "Redis has no users of its own here: change the password that all share"
    except (RedisError, OSError):
        return "Redis is away: the Foreman puts it out once Redis is back"
    if was_in:
        return "its user of Redis is deleted, its connections are cut"
    if invited:
        return "it has no user in Redis any more"
    pool = pool_of(name)
    if pool in settings.HIVE.redis_pools:
        user = user_name(all_of(pool))
        return f"whoever has the key of its pool still comes into Redis as {user}: change that key"
    return "it joined without invitation and knows the password of Redis that all share: change it"


def authorities() -> str:
    """The certificates of who vouches for Nexus and Redis, in PEM; empty: those of the system."""
    path = settings.HIVE.ca_file
    return Path(path).read_text() if path else ""


def nexus_url() -> str:
    """Where the Nexus answers, as machines elsewhere are told."""
    return str(settings.HIVE.nexus_url)


def line_for(nexus: str, token: str) -> str:
    """What is to be run on the new machine, where the project is."""
    words = ["python", "manage.py", "hive", "join", "--nexus", nexus, "--token", token]
    if nexus.startswith("https") and (text := authorities()):
        words += ["--ca-sha256", hashlib.sha256(text.encode()).hexdigest()]
    return shlex.join(words)


def warnings_for(nexus_url: str) -> list[str]:
    """What would keep a machine elsewhere from joining, or its secrets from staying such."""
    url, acl = settings.HIVE.join_redis_url or settings.REDIS_URL, settings.HIVE.redis_acl
    found = []
    parts = urlsplit(nexus_url)
    if _is_here(parts.hostname):
        found.append(
            f"the Nexus is {nexus_url}, which only this machine reaches: for others set"
            " HIVE_NEXUS_URL to an address of this one"
        )
    elif parts.scheme != "https":
        found.append(f"{nexus_url} has no TLS: keys and work can be read on the way")
    found += _about_redis(url)
    if acl == access.OFF:
        found.append("HIVE_REDIS_ACL=off: whoever joins gets the password of Redis that all share")
    return found + (_about_users() if acl != access.OFF else [])


def _about_redis(url: str) -> list[str]:
    parts = urlsplit(url)
    watched = [host for host, _ in read_watched(url).hosts] if is_watched(url) else []
    if parts.scheme == "unix" or any(map(_is_here, watched or [parts.hostname])):
        return [
            "Redis listens on this machine only: for others set HIVE_JOIN_REDIS_URL to how they"
            " reach it, or REDIS_URL if everybody does so (a Redis that `hive up` starts is only"
            " for this machine, and gets another port with every start)"
        ]
    has_tls = parts.scheme.startswith("rediss")
    return [] if has_tls else ["Redis has no TLS: what is in it can be read"]


def _is_here(host: str | None) -> bool:
    return not host or host in LOOPBACK


def _about_users() -> list[str]:
    try:
        access.list_users(shared_client())
    except access.NoUsers as fact:
        return [f"Redis lets us make no users: whoever joins gets the password of all ({fact})"]
    except (RedisError, OSError) as error:
        return [f"Redis is away ({error}): nobody can join before it is back"]
    return []
