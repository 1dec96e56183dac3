"""The verbs of the cluster: what operators want of nodes, and keys for the REST API."""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from django.db import OperationalError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from hive_site.kernel.errors import Conflict, Invalid, NotFound
from hive_site.kernel.prepared import Prepared
from nodes.domain.labels import flaw_of
from nodes.domain.scaling_machines import LEAVING
from nodes.domain.states import Intent, NodeState
from nodes.impatience import without_waiting
from nodes.inbox import ring
from nodes.models import ApiKey, Node

log = structlog.get_logger()
SCOPES = ("submit", "read", "control", "ota", "pickle")
KEY_PREFIX = "hive_"
SHOWN_CHARS = 10
#: Noting every use of a key would be a write for every request.
NOTE_USE_EVERY = timedelta(minutes=1)
MAX_SLOTS = 256
#: For what stays as it is, where None has a meaning of its own.
KEEP: Any = object()
#: When this process began to note the use of keys and has not succeeded yet, by their ids.
_tried: dict[int, datetime] = {}


@transaction.atomic
def set_intent(*, name: str, intent: Intent) -> Node:
    """Say whether a node may be given new work. Raises `NotFound`.

    Resuming also ends the rest of a node that was lost again and again.
    """
    well_again = {"forgiven_at": timezone.now()} if intent is Intent.WORK else {}
    return _change(name, intent=intent, **well_again)


@transaction.atomic
def change_node(
    *, name: str, slots: int | None = KEEP, labels: Mapping[str, str] | None = None
) -> Node:
    """Set how many slots a node has, and the labels that win over its own.

    Without a number, slots are what the Spore was started with. Raises `NotFound`, or `Invalid`
    with the field's name.
    """
    changes: dict[str, Any] = {}
    if slots is not KEEP:
        check_slots(slots)
        changes["wanted_slots"] = slots
    if labels is not None:
        check_labels(labels)
        changes["set_labels"] = _keep_mark(name, labels)
    return _change(name, **changes)


def _keep_mark(name: str, labels: Mapping[str, str]) -> dict[str, str]:
    """These labels; whether the node is to be removed stays as it is, resuming it says no."""
    row = Node.objects.select_for_update().filter(name=name)
    had = row.values_list("set_labels", flat=True).first() or {}
    mine = {key: text for key, text in labels.items() if key != LEAVING}
    return mine | {key: text for key, text in had.items() if key == LEAVING}


def check_slots(slots: Any) -> None:
    """Raise `Invalid` unless it is a number of slots, or None."""
    whole = isinstance(slots, int) and not isinstance(slots, bool)
    if slots is not None and not (whole and 1 <= slots <= MAX_SLOTS):
        rule = f"give a whole number from 1 to {MAX_SLOTS}"
        raise Invalid(f"{slots!r}; {rule}", field="slots")


def check_labels(labels: Any) -> None:
    """Raise `Invalid` unless it is an object of names and texts."""
    if flaw := flaw_of(labels):
        raise Invalid(flaw, field="labels")


@transaction.atomic
def forget_node(*, name: str) -> None:
    """Delete a node that is lost. Raises `NotFound`, or `Conflict` while it is there."""
    if not Node.objects.filter(name=name, state=NodeState.LOST).delete()[0]:
        state = _get(name).state
        raise Conflict(f"node {name} is {state}; only lost nodes can be deleted, so stop it first")
    transaction.on_commit(partial(ring, "node", name))


def _change(name: str, **changes: Any) -> Node:
    if changes and not Node.objects.filter(name=name).update(**changes):
        raise NotFound(f"no node is named {name!r}")
    transaction.on_commit(partial(ring, "node", name))
    return _get(name)


def _get(name: str) -> Node:
    node = Node.objects.filter(name=name).first()
    if node is None:
        raise NotFound(f"no node is named {name!r}")
    return node


def create_api_key(
    *,
    name: str,
    scopes: Sequence[str],
    owner: Any = None,
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """A new key, and its secret, which nobody can read again. Raises `Invalid`."""
    if not name.strip():
        raise Invalid("give a name: whose key it is, or what it is for", field="name")
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown or not scopes:
        raise Invalid(f"{unknown or 'nothing'}: give some of {', '.join(SCOPES)}", field="scopes")
    secret = KEY_PREFIX + secrets.token_urlsafe(32)
    key = ApiKey.objects.create(
        name=name[:100],
        prefix=secret[:SHOWN_CHARS],
        digest=_digest(secret),
        scopes=list(scopes),
        owner=owner,
        expires_at=expires_at,
    )
    return key, secret


KEY_OF = Prepared(
    lambda digest: ApiKey.objects.filter(
        Q(owner=None) | Q(owner__is_active=True), digest=digest, revoked_at=None
    ),
    str,
)


def find_api_key(secret: str) -> ApiKey | None:
    """The key of that secret, unless it is revoked or expired, or its owner may not come in."""
    now = timezone.now()
    key = KEY_OF.first(_digest(secret))
    if key is None or (key.expires_at and key.expires_at <= now):
        return None
    if not _noted_lately(key, now):
        _note_use(key, now)
    return key


def _noted_lately(key: ApiKey, now: datetime) -> bool:
    times = (key.last_used_at, _tried.get(key.pk))
    return any(at and now - at <= NOTE_USE_EVERY for at in times)


def _note_use(key: ApiKey, now: datetime) -> None:
    _tried[key.pk] = now
    try:
        with without_waiting():
            ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
    except OperationalError as error:
        log.warning("key.use_not_noted", key=key.prefix, error=str(error))
    else:
        _tried.pop(key.pk, None)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def revoke_api_keys(keys: QuerySet[ApiKey]) -> int:
    """Make keys useless from now on; how many still worked."""
    return keys.filter(revoked_at=None).update(revoked_at=timezone.now())
