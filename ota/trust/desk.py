"""An operator's desk: a directory with private keys, and the newest root and targets they signed.

On the Nexus's own machine what is signed is published at once. Elsewhere it is left in the
directory, to be carried over: `ota keys add --root KEYS/root.json` on the Nexus takes it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata, Root, Targets

from hive_site.kernel.disk import replace_file
from hive_site.kernel.errors import Conflict, Invalid, NotFound
from ota.domain.trust import DEV, OFFLINE, ROOT, TARGETS
from ota.spore.chain import follow, read_root, read_signed, verify
from ota.trust import signing
from ota.trust.keyring import Keyring
from ota.trust.repository import Repository


class Desk:
    """The operator's keys in one directory, and what they may change with them."""

    def __init__(self, folder: Path, passphrase: str = "", nexus: Repository | None = None) -> None:
        self.folder, self.keys = folder, Keyring(folder, passphrase)
        self.nexus = nexus if nexus is not None and self._is_ours(nexus) else None

    def documents(self) -> tuple[Metadata[Root], Metadata[Targets]]:
        """The newest root and targets known here. Raises `NotFound`.

        Of the Nexus only what the root in this directory leads to counts, or whoever takes the
        Nexus lays a list there that an operator signs with the next release. Raises `Untrusted`.
        """
        if self.nexus is None:
            return self._mine()
        targets = read_signed(Targets, self.nexus.targets())
        if not (self.folder / "root.json").is_file():
            root = read_root(self.nexus.root())
            verify(root, TARGETS, targets)
            return root, targets
        root, mine = self._mine()
        for version in range(root.signed.version + 1, self._newest_version() + 1):
            root = follow(root, self.nexus.root_at(version))
        if follows(mine.signed, targets.signed):
            return root, mine
        verify(root, TARGETS, targets)
        return root, targets

    def make_keys(self) -> None:
        """Keys for root and targets, unless they are here."""
        for role in OFFLINE:
            if not self.keys.of(role):
                self.keys.make(role)

    def take(self, told: Mapping[str, Any]) -> None:
        """Keep the newest metadata of a Nexus on another machine (`ota keys list --json`)."""
        try:
            first, *later = roots = [text.encode() for text in told["roots"]]
            targets = read_signed(Targets, told["targets"].encode())
        except (KeyError, TypeError, AttributeError, ValueError):
            way = "give what `ota keys list --json` printed on the Nexus"
            raise Invalid(f"this tells of no Nexus: {way}", field="nexus") from None
        if (self.folder / "root.json").is_file():
            root, mine = self._mine()
            for data in roots[root.signed.version :]:
                root = follow(root, data)
            if follows(mine.signed, targets.signed):
                targets = mine
        else:
            root = read_root(first)
            for data in later:
                root = follow(root, data)
        verify(root, TARGETS, targets)
        self.save(root, targets)

    def move_trust(self, now: datetime) -> bool:
        """Root and targets get the keys of this desk, and only those; False if they have them.

        For a Nexus in quick start only: nobody else's keys are replaced. Raises `Conflict`.
        """
        root, targets = self.documents()
        mine = {role: self.keys.of(role) for role in OFFLINE}
        if all(self.keys.holds(root.signed.roles[role].keyids) for role in OFFLINE):
            self.save(root, targets)
            return False
        if self.nexus is not None and not self.nexus.keys.holds(root.signed.roles[ROOT].keyids):
            way = "use the directory that has them, or `ota keys add` there"
            raise Conflict(f"other keys than those in {self.folder} are this Nexus's root: {way}")
        for role, signers in mine.items():
            for keyid in list(root.signed.roles[role].keyids):
                root.signed.revoke_key(keyid, role)
            for signer in signers:
                root.signed.add_key(signer.public_key, role)
            root.signed.roles[role].threshold = 1
        signing.renew(root.signed, ROOT, now)
        self._publish(signing.sign(root.signed, mine[ROOT]), self._renew(root, targets, now), now)
        return True

    def add(self, role: str, threshold: int | None, now: datetime) -> str:
        """One more key for a role, and from now on so many signatures of it; the key's id."""
        root, targets = self.documents()
        self._check_role(root, ROOT)
        held = len(self.keys.holds(root.signed.roles[role].keyids)) + 1
        if threshold is not None and not 1 <= threshold <= held:
            rule = f"give 1 to {held}, as many as there are keys of {role} in {self.folder}"
            raise Invalid(f"--threshold {threshold}: {rule}", field="threshold")
        signer = self.keys.make(role)
        self._change(root, targets, _Change(role, [signer], threshold=threshold), now)
        return signer.public_key.keyid

    def rotate(self, role: str, only: str, now: datetime) -> list[str]:
        """New keys for a role; ids of those that count no longer.

        Of `root` and `targets` those in this directory are replaced, or the one whose id begins
        with `only`. Those of other roles lie on the Nexus, and are replaced there.
        """
        if role not in OFFLINE:
            return self._rotate_online(role, now)
        root, targets = self.documents()
        self._check_role(root, ROOT)
        known = self.keys.holds(root.signed.roles[role].keyids)
        old = [keyid for keyid in known if keyid.startswith(only)]
        if not old:
            raise NotFound(f"{self.folder} has no key of {role} that begins with {only!r}")
        fresh = [self.keys.make(role) for _ in old]
        self._change(root, targets, _Change(role, fresh, old), now)
        self.keys.forget(old)
        return old

    def save(self, root: Metadata[Root], targets: Metadata[Targets]) -> None:
        """Keep these as the newest."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_file(self.folder / f"{root.signed.version}.root.json", root.to_bytes())
        replace_file(self.folder / "root.json", root.to_bytes())
        replace_file(self.folder / "targets.json", targets.to_bytes())

    def _rotate_online(self, role: str, now: datetime) -> list[str]:
        if self.nexus is None:
            way = "its key lies on the Nexus: run this there, with --dir for the root's keys"
            raise Conflict(f"{role} is rotated on the Nexus; {way}")
        root, targets = self.documents()
        self._check_role(root, TARGETS if role == DEV else ROOT)
        fresh = self.nexus.keys.make(role)
        if role == DEV:
            old = list(targets.signed.delegations.roles[DEV].keyids)
            targets.signed.delegations = signing.delegate_dev([fresh.public_key])
            self._publish(None, self._renew(root, targets, now), now)
        else:
            old = list(root.signed.roles[role].keyids)
            self._change(root, targets, _Change(role, [fresh], old, 1), now)
        return old

    def _change(
        self, root: Metadata[Root], targets: Metadata[Targets], change: "_Change", now: datetime
    ) -> None:
        """The next root, signed by the keys of the last one and its own."""
        before, who = list(root.signed.roles[ROOT].keyids), root.signed.roles[change.role]
        for keyid in change.gone:
            root.signed.revoke_key(keyid, change.role)
        for signer in change.fresh:
            root.signed.add_key(signer.public_key, change.role)
        who.threshold = change.threshold or who.threshold
        signing.renew(root.signed, ROOT, now)
        signers = self.keys.signers({*before, *root.signed.roles[ROOT].keyids})
        again = self._renew(root, targets, now) if change.role == TARGETS else targets
        self._publish(signing.sign(root.signed, signers), again, now)

    def _publish(
        self, root: Metadata[Root] | None, targets: Metadata[Targets], now: datetime
    ) -> None:
        if self.nexus is not None:
            roots = [] if root is None else [root.to_bytes()]
            self.nexus.accept(roots, targets.to_bytes(), now)
            root = read_root(self.nexus.root())
        if root is not None:
            self.save(root, targets)

    def _renew(
        self, root: Metadata[Root], targets: Metadata[Targets], now: datetime
    ) -> Metadata[Targets]:
        role = root.signed.roles[TARGETS]
        signers = signing.enough(self.keys.signers(role.keyids), role, TARGETS, self.folder)
        signing.renew(targets.signed, TARGETS, now)
        return signing.sign(targets.signed, signers)

    def _check_role(self, root: Metadata[Root], role: str) -> None:
        who = root.signed.roles[role]
        signing.enough(self.keys.signers(who.keyids), who, role, self.folder)

    def _mine(self) -> tuple[Metadata[Root], Metadata[Targets]]:
        path = self.folder / "root.json"
        if not path.is_file():
            way = "`ota keys init --dir KEYS --nexus FILE` begins with what the Nexus has"
            raise NotFound(f"{path} is not there; {way}")
        targets = (self.folder / "targets.json").read_bytes()
        return read_root(path.read_bytes()), read_signed(Targets, targets)

    def _newest_version(self) -> int:
        return int(read_root(self.nexus.root()).signed.version) if self.nexus is not None else 0

    def _is_ours(self, nexus: Repository) -> bool:
        """The Nexus of this machine is the one that this directory's root is for."""
        path = self.folder / "root.json"
        if not nexus.exists or not path.is_file():
            return nexus.exists
        theirs, mine = read_root(nexus.root()), read_root(path.read_bytes())
        common = min(theirs.signed.version, mine.signed.version)
        try:
            kept = (self.folder / f"{common}.root.json").read_bytes()
            # Only what was signed: the Nexus adds signatures of its own.
            return bool(read_root(nexus.root_at(common)).signed == read_root(kept).signed)
        except (FileNotFoundError, NotFound):
            return False


@dataclass(frozen=True, slots=True)
class _Change:
    """What becomes of a role: keys that come, keys that go, how many must sign."""

    role: str
    fresh: Sequence[CryptoSigner]
    gone: Sequence[str] = ()
    threshold: int | None = None


def follows(new: Targets, old: Targets) -> bool:
    """The new targets are a later version that keeps all that is in the old ones."""
    kept = all(new.targets.get(path) == file for path, file in old.targets.items())
    return kept and new.version > old.version and new.delegations == old.delegations
