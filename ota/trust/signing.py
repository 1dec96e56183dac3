"""How metadata are made and signed. Pure but for the keys; times are given."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from securesystemslib.signer import CryptoSigner, Key
from tuf.api.metadata import (
    DelegatedRole,
    Delegations,
    Metadata,
    MetaFile,
    Role,
    Root,
    Signed,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)

from hive_site.kernel.errors import Conflict
from ota.domain.trust import DEV, LIFETIMES, ROOT, SNAPSHOT, TARGETS, TIMESTAMP
from ota.spore.trust import SIGNED_AT

DEV_PATHS = ["dev/*"]
TOP_ROLES = (ROOT, TARGETS, SNAPSHOT, TIMESTAMP)


def expiry(role: str, now: datetime) -> datetime:
    """When something that a role signs now stops to hold."""
    return now.astimezone(UTC) + LIFETIMES[role]


def first_root(keys: dict[str, Key], now: datetime) -> Root:
    """A root of one key for each role."""
    roles = {name: Role([keys[name].keyid], 1) for name in TOP_ROLES}
    by_id = {keys[name].keyid: keys[name] for name in TOP_ROLES}
    return Root(1, None, expiry(ROOT, now), by_id, roles, consistent_snapshot=False)


def first_targets(dev: Key, now: datetime) -> Targets:
    """No releases; and the Nexus may sign for the channel dev."""
    return Targets(1, None, expiry(TARGETS, now), {}, delegate_dev([dev]))


def delegate_dev(keys: Sequence[Key]) -> Delegations:
    """Whoever has these keys may sign what is below dev/, and nothing else."""
    ids = [key.keyid for key in keys]
    role = DelegatedRole(DEV, ids, 1, terminating=True, paths=DEV_PATHS)
    return Delegations({key.keyid: key for key in keys}, {DEV: role})


def first_dev(now: datetime) -> Targets:
    """No releases of the channel dev."""
    return Targets(1, None, expiry(DEV, now))


def next_snapshot(version: int, documents: dict[str, tuple[int, bytes]], now: datetime) -> Snapshot:
    """Says which versions of the documents belong together, with their hashes."""
    meta = {
        f"{name}.json": MetaFile.from_data(number, data, ["sha256"])
        for name, (number, data) in documents.items()
    }
    return Snapshot(version, None, expiry(SNAPSHOT, now), meta)


def next_timestamp(version: int, snapshot: tuple[int, bytes], now: datetime) -> Timestamp:
    """Says which snapshot is the newest, and when that was said."""
    meta = MetaFile.from_data(snapshot[0], snapshot[1], ["sha256"])
    said = {SIGNED_AT: now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
    return Timestamp(version, None, expiry(TIMESTAMP, now), meta, unrecognized_fields=said)


def renew(signed: Signed, role: str, now: datetime) -> None:
    """The next version of it, with a new life."""
    signed.version += 1
    signed.expires = expiry(role, now)


def sign(signed: Signed, signers: Iterable[CryptoSigner]) -> Metadata[Any]:
    """Signed by all of these."""
    document: Metadata[Any] = Metadata(signed)
    for signer in signers:
        document.sign(signer, append=True)
    return document


def enough(signers: list[CryptoSigner], role: Role, name: str, where: object) -> list[CryptoSigner]:
    """The signers. Raises `Conflict` if they are fewer than the role needs."""
    if len(signers) < role.threshold:
        have = f"{where} has {len(signers)} of them"
        raise Conflict(f"{name} needs the signatures of {role.threshold} of its keys; {have}")
    return signers


def target_file(path: str, length: int, sha256: str, custom: dict[str, Any]) -> TargetFile:
    """A package's entry in the metadata."""
    return TargetFile(length, {"sha256": sha256}, path, {"custom": custom})


def ids_of(delegator: Metadata[Any], role: str, document: Metadata[Any]) -> list[str]:
    """Ids of the role's keys whose signatures on the document hold."""
    found = delegator.signed.get_verification_result(
        role, document.signed_bytes, document.signatures
    )
    return sorted(found.signed)
