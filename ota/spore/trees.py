"""The files of a release on this disk: out of the package, proved, and moved to their slot."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hive_site.kernel.crash import crash_point
from hive_site.kernel.disk import sync_directory
from ota.archive import Package, open_package
from ota.domain.manifest import PATH as MANIFEST
from ota.domain.manifest import BadManifest, Manifest
from ota.domain.release_file import PATH as RELEASE_FILE
from ota.domain.release_file import BadReleaseFile, ReleaseFile
from ota.domain.zip_layout import BadArchive
from ota.spore.checking import Record
from ota.spore.environments import Lock
from ota.spore.failures import Failed
from ota.spore.fetching import digest_file
from ota.spore.orders import Ordered, Ready
from ota.spore.places import Places, discard
from ota.unpacking import Drifted, unpack, verify

TREE = "tree"


@dataclass(frozen=True, slots=True)
class Tree:
    """A release's files in a directory, as they were signed."""

    root: Path
    about: ReleaseFile

    @property
    def lock(self) -> Lock | None:
        """What it needs to be installed, if it has a lock."""
        if self.about.lock is None:
            return None
        return Lock(self.root / self.about.lock, self.about.lock_sha256)


def unpack_release(package: Path, into: Path, wanted: Ordered, record: Record) -> Tree:
    """Unpack a package and prove that it is what was signed. Raises `Failed` "unpack"."""
    try:
        with open_package(package) as opened:
            _check_package(opened, record)
            unpack(opened, into)
    except (BadArchive, Drifted) as fact:
        raise Failed("unpack", str(fact), permanent=isinstance(fact, BadArchive)) from None
    tree = read_tree(into)
    _check_about(tree, wanted, record)
    return tree


def read_tree(root: Path) -> Tree:
    """What a release says of itself. Raises `Failed` with code "unpack"."""
    try:
        return Tree(root, ReleaseFile.read((root / RELEASE_FILE).read_bytes()))
    except FileNotFoundError:
        raise Failed("unpack", f"the package has no {RELEASE_FILE}", permanent=True) from None
    except BadReleaseFile as fact:
        raise Failed("unpack", str(fact), permanent=True) from None


def is_whole(root: Path, manifest_sha256: str) -> bool:
    """Whether every file on the disk is as the manifest says, and the manifest as was signed."""
    try:
        text = (root / MANIFEST).read_bytes()
        if hashlib.sha256(text).hexdigest() != manifest_sha256:
            return False
        verify(root, Manifest.read(text))
    except (Drifted, BadManifest, FileNotFoundError, NotADirectoryError):
        return False
    return True


def settle(tree: Tree, places: Places, ready: Ready) -> Path:
    """Move a tree to its slot and make it ready. Raises `Failed` "drift" if the disk lies."""
    slot = places.releases / ready.slot
    discard(slot)
    slot.mkdir(parents=True)
    root = tree.root.rename(slot / TREE)
    for folder in (slot, places.releases, places.root):
        sync_directory(folder)
    crash_point("stager.renamed")
    if not is_whole(root, ready.manifest_sha256):
        discard(slot)
        raise Failed("drift", f"{root} is not what was unpacked there; look after this disk")
    ready.write(slot)
    crash_point("stager.ready")
    return root


def _check_package(package: Package, record: Record) -> None:
    manifest_sha256 = hashlib.sha256(package.manifest.write()).hexdigest()
    pairs = {
        "manifest_sha256": (manifest_sha256, record.manifest_sha256),
        "unpacked_size": (package.unpacked_size, record.unpacked_size),
        "file_count": (len(package.manifest.files), record.file_count),
    }
    _agree("the package", pairs)


def _check_about(tree: Tree, wanted: Ordered, record: Record) -> None:
    about = tree.about
    pairs = {
        "version": (about.version, wanted.version),
        "python": (about.python, record.python),
        "requirements_sha256": (about.requirements_sha256, record.requirements_sha256),
        "lock_sha256": (about.lock_sha256, record.lock_sha256),
    }
    _agree(RELEASE_FILE, pairs)
    if tree.lock is None:
        return
    try:
        found = digest_file(tree.lock.path)
    except FileNotFoundError:
        raise Failed("unpack", f"the package has no {about.lock}", permanent=True) from None
    _agree(f"{about.lock}", {"SHA-256": (found, about.lock_sha256)})


def _agree(where: str, pairs: Mapping[str, tuple[object, object]]) -> None:
    for field, (found, signed) in pairs.items():
        if found != signed:
            told = f"{where}: {field} is {found!r}, signed is {signed!r}"
            raise Failed("unpack", told, permanent=True)
