"""Looks a package through before anybody takes it: every byte of it, and what it says of itself."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from packaging.markers import InvalidMarker, Marker
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from hive_site.kernel.errors import Invalid
from ota.archive import Package, open_package
from ota.domain import release_file
from ota.domain.release_file import BadReleaseFile, ReleaseFile
from ota.domain.requirements import (
    MAX_LOCK_BYTES,
    REQUIREMENTS,
    BadLock,
    digest_requirements,
    is_lock_for,
    read_lock,
)
from ota.domain.zip_layout import BadArchive
from ota.storage import sha256_of

MAIN = "manage.py"
SCHEMA = 1
MAX_REQUIREMENTS_BYTES = 1024 * 1024
ANYWHERE = "python_version >= '3'"


@dataclass(frozen=True, slots=True)
class Inspected:
    """A package that was found to be sound."""

    about: ReleaseFile
    sha256: str
    size: int
    unpacked_size: int
    file_count: int
    manifest_sha256: str
    #: The text of its lock; empty if it has none.
    lock: str

    @property
    def environment(self) -> str:
        """What tells apart what releases need installed."""
        return self.about.lock_sha256 or self.about.requirements_sha256

    def custom(self, *, channel: str, seq: int, floor_seq: int, built: datetime) -> dict[str, Any]:
        """What signed metadata say of the package beside its length and hash."""
        about = self.about
        return {
            "hive": {
                "schema": SCHEMA,
                "version": about.version,
                "seq": seq,
                "channel": channel,
                "manifest_sha256": self.manifest_sha256,
                "unpacked_size": self.unpacked_size,
                "file_count": self.file_count,
                "floor_seq": floor_seq,
                "python": about.python,
                "requirements_sha256": about.requirements_sha256,
                "lock_sha256": about.lock_sha256,
                "built": built.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            }
        }


def inspect_package(path: Path) -> Inspected:
    """Read all of a package. Raises `Invalid` for the field `package`, and `OSError`."""
    try:
        with open_package(path) as package:
            package.verify()
            about = ReleaseFile.read(_small(package, release_file.PATH, release_file.MAX_BYTES))
            _check_python(about)
            lock = _read_needs(package, about)
            manifest = package.manifest
            return Inspected(
                about=about,
                sha256=sha256_of(path),
                size=path.stat().st_size,
                unpacked_size=package.unpacked_size,
                file_count=len(manifest.files),
                manifest_sha256=hashlib.sha256(manifest.write()).hexdigest(),
                lock=lock,
            )
    except (BadArchive, BadReleaseFile, BadLock) as fact:
        raise Invalid(f"this is no package to publish: {fact}", field="package") from fact


def _check_python(about: ReleaseFile) -> None:
    try:
        SpecifierSet(about.python)
    except InvalidSpecifier as fact:
        raise BadReleaseFile(f"python: {about.python!r} is no range of versions") from fact


def _read_needs(package: Package, about: ReleaseFile) -> str:
    """The text of its lock, once that and the requirements are what it says they are."""
    if MAIN not in package.entries:
        raise BadReleaseFile(f"there is no {MAIN} in it; `ota build` makes whole projects")
    for module in about.task_modules:
        path = module.replace(".", "/")
        if not {f"{path}.py", f"{path}/__init__.py"} & package.entries.keys():
            raise BadReleaseFile(f"task_modules: {module!r} is not in it")
    requirements = ""
    if REQUIREMENTS in package.entries:
        requirements = _text(package, REQUIREMENTS, MAX_REQUIREMENTS_BYTES)
    if digest_requirements(requirements) != about.requirements_sha256:
        raise BadReleaseFile(f"requirements_sha256 is not that of its {REQUIREMENTS}")
    return _read_lock(package, about, requirements) if about.lock is not None else ""


def _read_lock(package: Package, about: ReleaseFile, requirements: str) -> str:
    name = str(about.lock)
    lock = _text(package, name, MAX_LOCK_BYTES)
    if package.manifest.by_path[name].sha256 != about.lock_sha256:
        raise BadLock(f"lock_sha256 is not that of its {name}")
    if not is_lock_for(lock, requirements):
        raise BadLock(f"{name} was made for other requirements; build it again")
    try:
        # Nodes choose their lines by these.
        for pin in read_lock(lock):
            Marker(pin.marker or ANYWHERE)
    except InvalidMarker as fact:
        raise BadLock(f"{name}: {fact}") from None
    return lock


def _text(package: Package, name: str, most: int) -> str:
    try:
        return _small(package, name, most).decode()
    except UnicodeDecodeError:
        raise BadArchive(f"{name} is no UTF-8") from None


def _small(package: Package, name: str, most: int) -> bytes:
    entry = package.entries.get(name)
    if entry is None or name not in package.manifest.by_path:
        raise BadArchive(f"it has no {name}; `ota build` writes it")
    if entry.size > most:
        raise BadArchive(f"{name} is longer than {most} bytes")
    return b"".join(package.read(name))
