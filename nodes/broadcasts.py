"""Calling something out to nodes.

Each node finds a copy that is signed for it alone in a list of its own; the broadcast channel
only says that it is worth looking. Whoever misses that finds it with the next heartbeat. What
nodes answer is in `nodes/answers.py`. No Foreman is needed.
"""

import json
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from hive_site.kernel.envelope import seal
from hive_site.kernel.errors import Invalid, NotFound, Unavailable, Unprocessable
from hive_site.kernel.ids import new_id
from hive_site.kernel.redis import RedisError
from nodes import inbox, wire
from nodes.credentials import load_keyring
from nodes.domain.commands import CALL_TTL_SECONDS, Command
from nodes.domain.states import Intent
from nodes.keyring import Keyring
from nodes.models import Broadcast, Node

#: Older broadcasts are forgotten.
KEPT = 200
#: Calls that one node may leave unheard; the newest count.
UNHEARD = 16
#: `data` travels to every node.
MAX_DATA_BYTES = 4096
INTENTS = {Command.DRAIN: Intent.DRAIN, Command.RESUME: Intent.WORK}


@dataclass(frozen=True, slots=True)
class Once:
    """A caller's Idempotency-Key, and the SHA-256 of what it was sent with."""

    key: str
    fingerprint: str


def send_broadcast(
    *,
    command: Any,
    nodes: Any = None,
    data: Any = None,
    submitted_by: str = "",
    once: Once | None = None,
) -> tuple[Broadcast, bool]:
    """Call a command out to these nodes, or to all; with True if this key did so before.

    DRAIN and RESUME are decided when this returns, whoever hears them. Raises `Invalid` with the
    field's name, `Unavailable` while Redis is away, `Unprocessable` if the key came with another
    request.
    """
    caller = submitted_by[:150]
    if once and (earlier := _find_earlier(once, caller)):
        return earlier, True
    command, called, data = _command(command), _called(nodes), _data(data)
    clock = _read_clock()
    try:
        broadcast = _store(command, list(called), data, caller, once)
    except IntegrityError:
        # the same request arrived a moment earlier
        earlier = _find_earlier(once, caller) if once else None
        if earlier is None:
            raise
        return earlier, True
    _publish(broadcast, called, expires=clock + CALL_TTL_SECONDS)
    return broadcast, False


def _command(value: Any) -> Command:
    if not isinstance(value, str) or value not in list(Command):
        raise Invalid(f"{value!r}; give one of {', '.join(Command)}", field="command")
    return Command(value)


def _called(names: Any) -> dict[str, str]:
    """The incarnation of each node that is called; of all for None."""
    known = dict(Node.objects.values_list("name", "incarnation"))
    if names is None:
        return known
    if not isinstance(names, list | tuple) or not names:
        raise Invalid("give a list of names, or null for all nodes", field="nodes")
    for index, name in enumerate(names):
        if not isinstance(name, str) or name not in known:
            raise Invalid(f"no node is named {name!r}", field=f"nodes.{index}")
    return {name: known[name] for name in names}


def _data(value: Any) -> str:
    """The data as JSON in ASCII, which every database keeps."""
    if not isinstance(value, dict | None):
        raise Invalid("give an object", field="data")
    try:
        size = len(json.dumps(value or {}, ensure_ascii=False, allow_nan=False).encode())
    except (ValueError, TypeError, RecursionError) as error:
        raise Invalid(f"is not JSON: {error}", field="data") from error
    if size > MAX_DATA_BYTES:
        raise Invalid(f"{size} bytes; give {MAX_DATA_BYTES} at most", field="data")
    return json.dumps(value or {})


def _find_earlier(once: Once, caller: str) -> Broadcast | None:
    row = Broadcast.objects.filter(submitted_by=caller, idempotency_key=once.key).first()
    if row and row.fingerprint != once.fingerprint:
        raise Unprocessable(f"the key {once.key!r} came with another request; take a new one")
    return row


def _read_clock() -> float:
    """Redis's clock in Unix seconds; asked first, so that nothing is stored while it is away."""
    try:
        seconds, micros = inbox.hurried_client().time()
    except (RedisError, OSError) as error:
        reason = "Redis is away, so nobody would hear it; nothing was stored, try again later"
        raise Unavailable(reason) from error
    return float(seconds) + micros / 1e6


@transaction.atomic
def _store(
    command: Command,
    names: list[str],
    data: str,
    caller: str,
    once: Once | None,
) -> Broadcast:
    broadcast = Broadcast.objects.create(
        id=new_id("bc"),
        command=command,
        nodes=names,
        data=data,
        submitted_by=caller,
        idempotency_key=once.key if once else "",
        fingerprint=once.fingerprint if once else "",
    )
    if intent := INTENTS.get(command):
        well_again = {"forgiven_at": timezone.now()} if intent is Intent.WORK else {}
        Node.objects.filter(name__in=names).update(intent=intent, **well_again)
        transaction.on_commit(partial(inbox.ring, "node"))
    oldest = Broadcast.objects.values_list("pk", flat=True)[KEPT : KEPT + 1]
    for bound in list(oldest):
        Broadcast.objects.filter(pk__lte=bound).delete()
    return broadcast


def _publish(broadcast: Broadcast, called: dict[str, str], *, expires: float) -> None:
    pipe = inbox.hurried_client().pipeline(transaction=False)
    call = {
        "v": wire.PROTOCOL,
        "id": broadcast.pk,
        "command": broadcast.command,
        "data": json.loads(broadcast.data),
        "expires": expires,
    }
    keyring = load_keyring()
    for node, incarnation in called.items():
        if keyring.is_revoked(node):
            continue
        key = wire.commands_key(node)
        pipe.rpush(key, _seal({**call, "node": node, "incarnation": incarnation}, keyring))
        pipe.ltrim(key, -UNHEARD, -1)
        pipe.expire(key, CALL_TTL_SECONDS)
    pipe.publish(settings.HIVE.broadcast_channel, broadcast.pk)
    try:
        pipe.execute()
    except (RedisError, OSError) as error:
        way = f"GET /api/v1/broadcasts/{broadcast.pk}/ says who answered"
        raise Unavailable(f"Redis went away, so not every node may have heard it; {way}") from error


def _seal(call: dict[str, Any], keyring: Keyring) -> bytes:
    key = keyring.key_of(call["node"])
    return seal(json.dumps(call), key=key, purpose=wire.PURPOSE_COMMAND)


def get_broadcast(broadcast_id: str) -> Broadcast:
    """The broadcast. Raises `NotFound`."""
    row = Broadcast.objects.filter(pk=broadcast_id).first()
    if row is None:
        raise NotFound(f"no broadcast has the id {broadcast_id!r}; the newest {KEPT} are kept")
    return row
