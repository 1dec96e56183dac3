"""Whether the Nexus takes what an operator signed elsewhere. Every answer is a reason."""

from datetime import datetime

from tuf.api.metadata import Metadata, Root, Targets

from ota.domain.trust import DEV, SNAPSHOT, TARGETS, TIMESTAMP, Target, Untrusted
from ota.spore.chain import verify
from ota.trust.keyring import Keyring


def check_targets(
    root: Metadata[Root],
    old: Metadata[Targets],
    new: Metadata[Targets],
    now: datetime,
) -> None:
    """Raises `Untrusted` unless these targets may follow the old ones."""
    verify(root, TARGETS, new)
    if new.signed.version <= old.signed.version:
        have = f"version {old.signed.version} is published"
        way = "sign again, from the newest targets.json"
        raise Untrusted("rollback", f"targets.json version {new.signed.version}: {have}; {way}")
    if new.signed.is_expired(now):
        raise Untrusted("expired", "these targets have expired; sign again")
    for path in new.signed.targets:
        if Target.read(path).channel == DEV:
            raise Untrusted("mismatch", f"{path}: operators sign for stable/ only")
    changed = [p for p, file in old.signed.targets.items() if new.signed.targets.get(p) != file]
    if changed:
        way = "sign again, from the newest targets.json"
        raise Untrusted("mismatch", f"{changed[0]} is gone or another one there; {way}")


def check_delegation(new: Metadata[Targets], dev: Metadata[Targets]) -> None:
    """Raises `Untrusted` unless the channel dev goes on under the new targets."""
    if new.signed.delegations is None or set(new.signed.delegations.roles or ()) != {DEV}:
        raise Untrusted("mismatch", "these targets do not name who signs for dev/")
    verify(new, DEV, dev)


def check_target(new: Metadata[Targets], path: str, length: int, sha256: str) -> None:
    """Raises `Untrusted` unless the targets vouch for this package, the newest one."""
    file = new.signed.targets.get(path)
    if file is None:
        raise Untrusted("unknown_target", f"the signature is for other packages than {path}")
    if (file.length, file.hashes.get("sha256")) != (length, sha256):
        raise Untrusted("mismatch", f"{path} was signed with another length or SHA-256")
    about = (file.custom or {}).get("hive", {})
    told = Target.read(path)
    if (about.get("channel"), about.get("seq"), about.get("version")) != (
        told.channel,
        told.seq,
        told.version,
    ):
        raise Untrusted("mismatch", f"{path} is signed as another release")


def check_online(root: Metadata[Root], keys: Keyring) -> None:
    """Raises `Untrusted` unless the Nexus can go on signing under this root."""
    for name in (SNAPSHOT, TIMESTAMP):
        role = root.signed.roles[name]
        if len(keys.holds(role.keyids)) < role.threshold:
            way = "start from the root that `ota keys list --json` prints here"
            raise Untrusted("mismatch", f"the new root names {name} keys that are not here; {way}")


def keys_in_use(root: Metadata[Root], targets: Metadata[Targets]) -> set[str]:
    """Ids of the keys that some role has."""
    used = {keyid for role in root.signed.roles.values() for keyid in role.keyids}
    delegations = targets.signed.delegations
    return used | set(delegations.keys if delegations else ())
