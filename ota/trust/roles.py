"""What people see of the roles: keys, thresholds, expiries, alarms."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from tuf.api.metadata import Metadata, Root, Targets
from tuf.api.metadata import Role as Delegate

from ota.domain.trust import DEV, ROOT, TARGETS, Role, alarm_of
from ota.trust.keyring import Keyring


def find_role(name: str, root: Metadata[Root], targets: Metadata[Targets]) -> Delegate:
    """Which keys a role has, and how many must sign."""
    delegator = targets if name == DEV else root
    return delegator.signed.get_delegated_role(name)


def list_roles(documents: Mapping[str, Metadata[Any]], keys: Keyring, now: datetime) -> list[Role]:
    """All roles of a repository, those of operators first."""
    return [_describe(name, documents, keys, now) for name in documents]


def _describe(
    name: str, documents: Mapping[str, Metadata[Any]], keys: Keyring, now: datetime
) -> Role:
    who, signed = find_role(name, documents[ROOT], documents[TARGETS]), documents[name].signed
    role = Role(
        name=name,
        keys=tuple(sorted(who.keyids)),
        here=tuple(sorted(keys.holds(who.keyids))),
        threshold=who.threshold,
        version=signed.version,
        expires=signed.expires,
    )
    return replace(role, alarm=alarm_of(role, now))
