"""Invitations: made on the Nexus, used once by the machine that joins, withdrawn, or expired."""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest

from hive_site.kernel.errors import Conflict, Gone, Invalid, NotAllowed, NotFound
from nodes.domain.labels import flaw_of
from nodes.domain.liveness import REVOKED
from nodes.domain.names import NODE_NAME
from nodes.domain.states import NodeState
from nodes.inbox import ring
from nodes.joining_models import Invite, NodeCredential
from nodes.models import Lease, Node
from nodes.services import check_slots

PREFIX = "hivejoin_"
TTL_SECONDS, LONGEST_TTL_SECONDS = 3600, 30 * 86400
CHANNELS = ("dev", "stable")
#: How long it is remembered who joined with which.
KEPT = timedelta(days=90)
#: In the addresses of nodes it stands for something else.
RESERVED = {"join"}


@dataclass(frozen=True, slots=True)
class Wish:
    """What an invitation grants; the machine that joins may say otherwise of all but the name."""

    name: str = ""
    slots: int | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    capabilities: Sequence[str] = ()
    channels: Sequence[str] = ("stable",)


def invite(wish: Wish, *, ttl: float, who: str, now: datetime) -> tuple[Invite, str]:
    """A new invitation, and its token, which nobody can read again. Raises `Invalid`."""
    check_wish(wish)
    if not 1 <= ttl <= LONGEST_TTL_SECONDS:
        raise Invalid(f"good for {ttl:g} s: give 1 to {LONGEST_TTL_SECONDS} seconds", field="ttl")
    Invite.objects.filter(expires_at__lt=now - KEPT).delete()
    token = PREFIX + secrets.token_urlsafe(32)
    made = Invite.objects.create(
        digest=digest(token),
        name=wish.name,
        slots=wish.slots,
        labels=dict(wish.labels),
        capabilities=list(wish.capabilities),
        channels=list(wish.channels),
        made_by=who[:150],
        created_at=now,
        expires_at=now + timedelta(seconds=ttl),
    )
    return made, token


def check_wish(wish: Wish) -> None:
    """Raises `Invalid` with the field's name for what no node can be."""
    if wish.name:
        check_name(wish.name)
    check_slots(wish.slots)
    if flaw := flaw_of(wish.labels):
        raise Invalid(flaw, field="labels")
    for word in wish.capabilities:
        if not (isinstance(word, str) and word and len(word) <= 100 and word.isprintable()):
            raise Invalid(f"{word!r} is no capability, like ffmpeg", field="capabilities")
    wrong = [channel for channel in wish.channels if channel not in CHANNELS]
    if wrong or not wish.channels:
        given = ", ".join(map(repr, wrong)) + " is no channel" if wrong else "no channel"
        raise Invalid(f"{given}; give some of {', '.join(CHANNELS)}", field="channels")


def check_name(name: Any) -> str:
    """The name of a node. Raises `Invalid`."""
    if not isinstance(name, str) or not NODE_NAME.fullmatch(name) or name in RESERVED:
        rule = "give 1 to 48 letters, digits, - and _"
        raise Invalid(f"{name!r}: {rule}, and not {' or '.join(RESERVED)}", field="name")
    return name


def withdraw(invites: Any, *, now: datetime) -> int:
    """Make invitations useless that were not used; how many still were good."""
    return int(invites.filter(used_at=None, withdrawn_at=None).update(withdrawn_at=now))


@transaction.atomic
def redeem(token: str, *, nonce: str, name: str, host: str, address: str, now: datetime) -> Invite:
    """The invitation of that token, used by a machine that is called so from now on.

    `nonce` is known to that machine alone: whoever brings the same one again gets the same answer,
    for as long as the invitation lasts. `name` is what it insists on, `host` what it is called
    otherwise. Raises `NotAllowed`, `Gone`, `Conflict`, or `Invalid`.
    """
    found = Invite.objects.filter(digest=digest(token)).first()
    if found is None:
        raise NotAllowed("no invitation has this token; `hive invite` on the Nexus makes one")
    _check_time(found, now)
    if name and found.name and name != found.name:
        raise Conflict(f"this invitation is for {found.name!r}, not for {name!r}; leave --name out")
    if found.used_at:
        return _again(found, digest(nonce), name)
    node = check_name(found.name or name or host)
    claimed = Invite.objects.filter(pk=found.pk, used_at=None, withdrawn_at=None).update(
        used_at=now, node=node, nonce=digest(nonce)
    )
    if not claimed:
        return _again(Invite.objects.get(pk=found.pk), digest(nonce), name)
    return _enrol(found, node, address=address, now=now)


def _check_time(found: Invite, now: datetime) -> None:
    way = "`hive invite` on the Nexus makes another"
    if found.withdrawn_at:
        raise Gone(f"this invitation was withdrawn; {way}")
    if found.expires_at <= now:
        raise Gone(f"this invitation was good until {found.expires_at:%Y-%m-%d %H:%M} UTC; {way}")


def _again(found: Invite, nonce: str, name: str) -> Invite:
    """The same once more, for the machine that it let in."""
    standing = NodeCredential.objects.filter(name=found.node).first()
    if found.nonce != nonce or (name and name != found.node):
        way = "each lets one machine in, `hive invite` makes another"
        raise Conflict(f"this invitation was used already, by node {found.node}; {way}")
    if standing is None or standing.revoked_at or standing.generation != found.generation:
        raise Conflict(
            f"node {found.node} was revoked or invited anew since; ask for an invitation"
        )
    return found


def _enrol(found: Invite, node: str, *, address: str, now: datetime) -> Invite:
    # The first generation is that of keys which were derived by hand, and may be anywhere.
    _, is_new = NodeCredential.objects.get_or_create(name=node)
    # Of two that come at once with one name, the database makes one wait, and then it is known.
    if not found.name and (not is_new or Node.objects.filter(name=node).exists()):
        way = f"give another --name, or `hive invite --name {node}` to replace it"
        raise Conflict(f"there is or was a node {node!r} already; {way}")
    facts = {
        "invited_by": found.made_by,
        "joined_at": now,
        "joined_from": address[:64],
        "revoked_at": None,
        "revoked_by": "",
    }
    NodeCredential.objects.filter(name=node).update(generation=_next_generation(), **facts)
    found.generation = NodeCredential.objects.get(name=node).generation
    found.used_at, found.node = now, node
    Invite.objects.filter(pk=found.pk).update(generation=found.generation)
    transaction.on_commit(partial(ring, "node", node))
    return found


def _next_generation() -> Greatest:
    """One more than ever: a restored database forgot the last ones, but not that epochs went on."""
    epoch = Lease.objects.values_list("epoch", flat=True).first() or 0
    return Greatest(F("generation") + 1, epoch)


@transaction.atomic
def revoke_credential(name: str, *, who: str, now: datetime) -> NodeCredential:
    """Make the keys of a node worthless. Safe to repeat. Raises `NotFound` for an unknown name."""
    known = NodeCredential.objects.filter(name=name).exists()
    if not known and not Node.objects.filter(name=name).exists():
        raise NotFound(f"no node is named {name!r}")
    NodeCredential.objects.get_or_create(name=name)
    NodeCredential.objects.filter(name=name, revoked_at=None).update(
        revoked_at=now, revoked_by=who[:150]
    )
    Node.objects.filter(name=name).update(state=NodeState.LOST, reason=REVOKED)
    transaction.on_commit(partial(ring, "node", name))
    return NodeCredential.objects.get(name=name)


def digest(text: str) -> str:
    """What is kept of a secret."""
    return hashlib.sha256(text.encode()).hexdigest()
