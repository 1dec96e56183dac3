"""The Nexus's repository: what it signs itself, and what operators signed and it passes on."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Any

from securesystemslib.signer import Key
from tuf.api.metadata import Metadata, Root, Signed, Targets

from hive_site.kernel.errors import Conflict, NotFound
from ota.domain.trust import DEV, ROOT, SNAPSHOT, TARGETS, TIMESTAMP, Role, Target, half_spent
from ota.spore.chain import follow, read_signed
from ota.trust import checks, signing
from ota.trust.files import MetadataFiles
from ota.trust.keyring import Keyring
from ota.trust.roles import find_role, list_roles

ALL = (ROOT, TARGETS, DEV, SNAPSHOT, TIMESTAMP)


class Repository:
    """The metadata in one directory, the Nexus's own keys in another.

    Every method may be called by several processes at once. Without metadata all but `ensure` and
    `exists` raise `NotFound`.
    """

    def __init__(self, metadata: Path, keys: Path) -> None:
        self.keys = Keyring(keys)
        self._files = MetadataFiles(metadata, self.keys.forget)

    @property
    def exists(self) -> bool:
        """There are metadata."""
        return bool(self._files.root_versions())

    def ensure(self, now: datetime) -> None:
        """Quick start: keys for all roles and the first metadata, if there are none yet."""
        if self.exists:
            return
        with self._files.locked():
            if self.exists:
                return
            stale = self.keys.unused([])  # of a start that was cut short
            keys = {name: self.keys.make(name).public_key for name in ALL}
            root = self._sign(signing.first_root(keys, now), ROOT, keys)
            targets = self._sign(signing.first_targets(keys[DEV], now), TARGETS, keys)
            dev = self._sign(signing.first_dev(now), DEV, keys)
            self._publish(now, root=root, targets=targets, dev=dev, forget=stale)

    def root(self) -> bytes:
        """The newest root."""
        with self._files.locked():
            return self._newest_root()

    def root_at(self, version: int) -> bytes:
        """An older root. Raises `NotFound`."""
        with self._files.locked():
            return self._files.read(f"{version}.root.json")

    def targets(self) -> bytes:
        """What operators have signed."""
        with self._files.locked():
            return self._files.read("targets.json")

    def bundle(self, root_from: int) -> dict[str, Any]:
        """All that a node needs which trusts the root of this version: texts by role, `roots`."""
        with self._files.locked():
            newer = [n for n in self._files.root_versions() if n > root_from]
            roots = [self._files.read(f"{n}.root.json").decode() for n in newer]
            names = (TIMESTAMP, SNAPSHOT, TARGETS, DEV)
            texts = {name: self._files.read(f"{name}.json").decode() for name in names}
        return {"roots": roots, **texts}

    def add_dev(
        self, path: str, length: int, sha256: str, custom: dict[str, Any], now: datetime
    ) -> list[str]:
        """Vouch for a package of the channel dev; ids of the keys that do. Safe to repeat."""
        if Target.read(path).channel != DEV:
            raise Conflict(f"{path}: the Nexus signs for dev/ only; `ota sign` is for operators")
        with self._files.locked():
            dev = self._load(DEV)
            file = signing.target_file(path, length, sha256, custom)
            old = dev.signed.targets.get(path, file)
            if (old.length, old.hashes) != (file.length, file.hashes):
                raise Conflict(f"{path} is signed with other bytes; give the release a new version")
            dev.signed.targets[path] = file
            self._publish(now, dev=self._renew(dev, DEV, now))
            return signing.ids_of(self._load(TARGETS), DEV, self._load(DEV))

    def remove_dev(self, path: str, now: datetime) -> None:
        """Vouch for it no longer. Safe to repeat."""
        with self._files.locked():
            dev = self._load(DEV)
            if dev.signed.targets.pop(path, None) is not None:
                self._publish(now, dev=self._renew(dev, DEV, now))

    def add_signed(
        self,
        envelope: bytes,
        path: str,
        length: int,
        sha256: str,
        now: datetime,
    ) -> list[str]:
        """Publish the targets.json that `ota sign` wrote beside a package; ids of its keys.

        Raises `Untrusted` with the reason; then nothing has changed. Safe to repeat.
        """
        new = read_signed(Targets, envelope)
        checks.check_target(new, path, length, sha256)
        with self._files.locked():
            root, old = self._load(ROOT), self._load(TARGETS)
            if old.signed.targets.get(path) != new.signed.targets[path]:
                checks.check_targets(root, old, new, now)
                checks.check_delegation(new, self._load(DEV))
                self._publish(now, targets=new)
            return signing.ids_of(root, TARGETS, self._load(TARGETS))

    def accept(self, roots: Sequence[bytes], targets: bytes | None, now: datetime) -> list[str]:
        """Publish newer roots, and targets with them; ids of the Nexus's keys that are deleted.

        A root that lies on the Nexus itself (quick start) signs its successor here. Raises
        `Untrusted` with the reason; then nothing has changed.
        """
        with self._files.locked():
            root, old, dev = self._load(ROOT), self._load(TARGETS), self._load(DEV)
            chain = []
            for data in roots:
                root = follow(root, self._countersign(root, data))
                chain.append(root)
            new = old if targets is None else read_signed(Targets, targets)
            if targets is not None and new.signed != old.signed:
                checks.check_targets(root, old, new, now)
            checks.verify(root, TARGETS, new)
            checks.check_online(root, self.keys)
            delegated = new.signed.delegations
            if delegated != old.signed.delegations and delegated is not None:
                dev = self._renew(dev, DEV, now, new)
            checks.check_delegation(new, dev)
            gone = self.keys.unused(checks.keys_in_use(root, new))
            self._publish(now, *chain, targets=new, dev=dev, forget=gone)
            return gone

    def refresh(self, now: datetime) -> bool:
        """Sign anew what has lived for half of its life; whether there was anything to sign."""
        with self._files.locked():
            spent = {
                name: document
                for name in ALL
                if half_spent(name, (document := self._load(name)).signed.expires, now)
                and self._can_sign(name)
            }
            again = {
                name: self._renew(document, name, now)
                for name, document in spent.items()
                if name in (ROOT, TARGETS, DEV)
            }
            if spent:
                self._publish(now, **again)
            return bool(spent)

    def at_rest(self) -> AbstractContextManager[None]:
        """Nobody changes metadata meanwhile, and no change is half done."""
        return self._files.locked()

    def outrun(self, steps: int, now: datetime) -> list[str]:
        """Sign with versions so much higher, for nodes may have seen later ones; what it cannot."""
        with self._files.locked():
            online = (DEV, SNAPSHOT, TIMESTAMP)
            if lacking := [name for name in online if not self._can_sign(name)]:
                return lacking
            dev = self._load(DEV)
            dev.signed.version += steps
            self._publish(now, dev=self._renew(dev, DEV, now), ahead=steps)
            return []

    def roles(self, now: datetime) -> list[Role]:
        """Who may sign what, and what people should do about it."""
        with self._files.locked():
            return list_roles({name: self._load(name) for name in ALL}, self.keys, now)

    def _publish(
        self,
        now: datetime,
        *chain: Metadata[Root],
        forget: Iterable[str] = (),
        ahead: int = 1,
        **changed: Any,
    ) -> None:
        """Write what has changed, then a snapshot of it, then the timestamp that makes it count."""
        chain = (*chain, changed.pop(ROOT)) if ROOT in changed else chain
        files = {f"{root.signed.version}.root.json": root.to_bytes() for root in chain}
        root = chain[-1] if chain else self._load(ROOT)
        documents = {name: changed.get(name) or self._load(name) for name in (TARGETS, DEV)}
        parts = {name: (each.signed.version, each.to_bytes()) for name, each in documents.items()}
        number = self._version(SNAPSHOT) + ahead
        snapshot = self._sign_online(root, signing.next_snapshot(number, parts, now), SNAPSHOT)
        stamp = signing.next_timestamp(
            self._version(TIMESTAMP) + ahead, (number, snapshot.to_bytes()), now
        )
        files |= {f"{name}.json": data for name, (_, data) in parts.items()}
        files["snapshot.json"] = snapshot.to_bytes()
        files["timestamp.json"] = self._sign_online(root, stamp, TIMESTAMP).to_bytes()
        self._files.commit({**files, "root.json": root.to_bytes()}, list(forget))

    def _countersign(self, old: Metadata[Root], data: bytes) -> bytes:
        new = read_signed(Root, data)
        for signer in self.keys.signers(old.signed.roles[ROOT].keyids):
            new.sign(signer, append=True)
        return new.to_bytes()

    def _can_sign(self, name: str) -> bool:
        role = find_role(name, self._load(ROOT), self._load(TARGETS))
        return len(self.keys.holds(role.keyids)) >= role.threshold

    def _renew(
        self,
        document: Metadata[Any],
        name: str,
        now: datetime,
        targets: Metadata[Any] | None = None,
    ) -> Metadata[Any]:
        signing.renew(document.signed, name, now)
        role = find_role(name, self._load(ROOT), targets or self._load(TARGETS))
        signers = self.keys.signers(role.keyids)
        return signing.sign(document.signed, signing.enough(signers, role, name, self.keys.folder))

    def _sign(self, signed: Signed, name: str, keys: Mapping[str, Key]) -> Metadata[Any]:
        return signing.sign(signed, self.keys.signers([keys[name].keyid]))

    def _sign_online(self, root: Metadata[Root], signed: Signed, name: str) -> Metadata[Any]:
        role = root.signed.roles[name]
        signers = self.keys.signers(role.keyids)
        return signing.sign(signed, signing.enough(signers, role, name, self.keys.folder))

    def _version(self, name: str) -> int:
        try:
            return self._load(name).signed.version
        except NotFound:
            return 0

    def _newest_root(self) -> bytes:
        return self._files.read(f"{max(self._files.root_versions(), default=1)}.root.json")

    def _load(self, name: str) -> Metadata[Any]:
        data = self._newest_root() if name == ROOT else self._files.read(f"{name}.json")
        return Metadata.from_bytes(data)
