"""What a node trusts: one root, pinned once, and everything that it vouches for since.

`tuf.ngclient` decides; this serves it the files of one bundle, takes care that what it keeps
outlasts a power cut, and does not let a clock that was set back revive what has expired.
"""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hive_site.kernel.disk import sync_directory
from ota.domain.trust import DEV, ROOT, SNAPSHOT, TARGETS, TIMESTAMP, Target, Untrusted

if TYPE_CHECKING:
    from tuf.api.metadata import Metadata, Root, TargetFile
    from tuf.ngclient import Updater

#: In a timestamp: when the Nexus signed it. Signed like the rest, and unknown to tuf.
SIGNED_AT = "signed_at"


@dataclass(frozen=True, slots=True)
class Signed:
    """A package that the metadata vouch for: bytes, their SHA-256, and what was said of it."""

    path: str
    length: int
    sha256: str
    custom: dict[str, Any] = field(default_factory=dict)


class TrustStore:
    """A node's trust in a directory; one process at a time may use it."""

    def __init__(self, folder: Path) -> None:
        self._pin, self._metadata = folder / "root.json", folder / "metadata"
        self._updater: Updater | None = None
        self._now: datetime | None = None

    @property
    def pinned(self) -> bool:
        """There is a root to begin with."""
        return self._pin.is_file()

    def pin(self, root: bytes) -> None:
        """Trust this root from now on; once only. Raises `Untrusted`."""
        from ota.spore.chain import read_root

        read_root(root)
        if self.pinned and self._pin.read_bytes() != root:
            way = f"remove {self._pin.parent} if this machine shall trust another Nexus"
            raise Untrusted("signature", f"another root is pinned; {way}")
        self._pin.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self._pin.with_name(f".{self._pin.name}.{os.getpid()}")
        draft.write_bytes(root)
        _sync_file(draft)
        draft.replace(self._pin)
        sync_directory(self._pin.parent)

    def root_version(self) -> int:
        """The newest root that the kept chain proves: ask the Nexus for those above it."""
        *_, newest = self._chain()
        return int(newest.signed.version)

    def knows(self, root: bytes) -> bool:
        """Whether a root is the pinned one, or one of those that followed. Raises `Untrusted`."""
        from ota.spore.chain import read_root

        # Only what was signed: one more signature makes no other root.
        given = read_root(root).signed
        return any(each.signed == given for each in self._chain())

    def refresh(self, bundle: Mapping[str, Any], now: datetime) -> None:
        """Take what the Nexus sent. Raises `Untrusted`; what was trusted before stays so."""
        from ota.spore.bundle import read_bundle

        self._open(read_bundle(bundle), now)

    def find(self, path: str) -> Signed:
        """What was said of a package, by whoever may speak for its channel. Raises `Untrusted`.

        Without a refresh before, the metadata that this node kept decide.
        """
        from ota.spore.bundle import read_folder
        from ota.spore.chain import judged

        if self._updater is None:
            self._open(read_folder(self._metadata), datetime.now(UTC))
        told = Target.read(path)
        with judged():
            found = self._updater.get_targetinfo(path)  # type: ignore[union-attr]
        sync_tree(self._metadata)
        if told.channel == DEV:
            self._check_expiry(DEV)
        if found is None:
            raise Untrusted("unknown_target", f"nobody who may do so has signed for {path}")
        return _check(found, told)

    def summary(self) -> dict[str, int]:
        """For the Nexus's eyes: version of the root, and when the timestamp expires (Unix time).

        Zeros for what is not there. Reads files only, and proves nothing.
        """
        chain = (self._metadata / "root_history").glob("*.root.json")
        versions = [int(stem) for path in chain if (stem := path.name.split(".")[0]).isdigit()]
        expires = _read_time(self._metadata / "timestamp.json", "expires")
        pinned = _read_signed(self._pin).get("version", 0) if self.pinned else 0
        return {
            "root": max([pinned, *versions]),
            "expires": int(expires.timestamp()) if expires else 0,
        }

    def _chain(self) -> "Iterator[Metadata[Root]]":
        from ota.spore.chain import follow, read_root

        root = read_root(self._read_pin())
        yield root
        while (path := self._chained(root.signed.version + 1)).is_file():
            try:
                root = follow(root, path.read_bytes())
            except Untrusted:  # damaged on this disk: the Nexus has it
                return
            yield root

    def _open(self, files: Mapping[str, bytes], now: datetime) -> None:
        from tuf.ngclient import Updater

        from ota.spore.bundle import SITE, Files
        from ota.spore.chain import judged

        self._updater = None
        self._metadata.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            with judged():
                updater = Updater(
                    str(self._metadata), SITE, fetcher=Files(files), bootstrap=self._read_pin()
                )
                updater.refresh()
        finally:
            # A later power cut must not bring back what was there before.
            sync_tree(self._metadata)
        self._now = now
        for role in (ROOT, TIMESTAMP, SNAPSHOT, TARGETS):
            self._check_expiry(role)
        self._updater = updater

    def _check_expiry(self, role: str) -> None:
        """tuf compares with this machine's clock; the Nexus's word may be newer than that."""
        expires = _read_time(self._metadata / f"{role}.json", "expires")
        signed_at = _read_time(self._metadata / "timestamp.json", SIGNED_AT)
        now = max(filter(None, (self._now, signed_at)))
        if expires is not None and expires <= now:
            reason = (
                f"{role}.json expired at {expires:%Y-%m-%d %H:%M}Z; it is {now:%Y-%m-%d %H:%M}Z"
            )
            raise Untrusted("expired", reason)

    def _read_pin(self) -> bytes:
        if not self.pinned:
            raise Untrusted("signature", f"no root is pinned in {self._pin.parent}")
        return self._pin.read_bytes()

    def _chained(self, version: int) -> Path:
        return self._metadata / "root_history" / f"{version}.root.json"


def _check(found: "TargetFile", told: Target) -> Signed:
    """Whoever signed must have meant this package: path, record and hash say the same."""
    about = found.custom.get("hive") if isinstance(found.custom, dict) else None
    sha256 = found.hashes.get("sha256", "")
    if not (isinstance(about, dict) and sha256):
        raise Untrusted("malformed", f"{found.path} lacks its SHA-256 or its record")
    said = tuple(about.get(name) for name in ("channel", "seq", "version"))
    if said != (told.channel, told.seq, told.version):
        raise Untrusted("mismatch", f"{found.path} is signed as another release: {said}")
    return Signed(found.path, found.length, sha256, found.custom)


def _read_signed(path: Path) -> dict[str, Any]:
    try:
        signed = json.loads(path.read_bytes())["signed"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return signed if isinstance(signed, dict) else {}


def _read_time(path: Path, name: str) -> datetime | None:
    """A moment in metadata that were verified before they were kept."""
    try:
        return datetime.fromisoformat(_read_signed(path)[name]).astimezone(UTC)
    except (KeyError, TypeError, ValueError):
        return None


def sync_tree(folder: Path) -> None:
    """All files below a directory outlast a power cut once this returns."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            _sync_file(path)
    for path in (folder, *filter(Path.is_dir, sorted(folder.rglob("*")))):
        sync_directory(path)


def _sync_file(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
