"""What is signed of a package, read from the package itself."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hive_site.kernel.errors import Invalid
from ota.archive import Package, open_package
from ota.domain.release_file import MAX_BYTES, PATH, BadReleaseFile, ReleaseFile
from ota.domain.zip_layout import BadArchive

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Described:
    """A package of which every byte was read and is what its manifest says."""

    release: ReleaseFile
    length: int
    sha256: str
    manifest_sha256: str
    unpacked_size: int
    file_count: int

    def custom(self, *, channel: str, seq: int, floor: int, now: datetime) -> dict[str, Any]:
        """What the metadata say of it beside length and hash."""
        return {
            "hive": {
                "schema": SCHEMA,
                "version": self.release.version,
                "seq": seq,
                "channel": channel,
                "manifest_sha256": self.manifest_sha256,
                "unpacked_size": self.unpacked_size,
                "file_count": self.file_count,
                "floor_seq": floor,
                "python": self.release.python,
                "requirements_sha256": self.release.requirements_sha256,
                "lock_sha256": self.release.lock_sha256,
                "built": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            }
        }


def describe(path: Path) -> Described:
    """Read all of a package. Raises `Invalid` if it is none, and `OSError`."""
    try:
        with open_package(path) as package:
            package.verify()
            manifest = package.manifest
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            return Described(
                release=_read_release(package),
                length=path.stat().st_size,
                sha256=digest,
                manifest_sha256=hashlib.sha256(manifest.write()).hexdigest(),
                unpacked_size=package.unpacked_size,
                file_count=len(manifest.files),
            )
    except (BadArchive, BadReleaseFile) as fact:
        raise Invalid(f"{path} is no package to sign: {fact}", field="package") from None


def _read_release(package: Package) -> ReleaseFile:
    file = package.manifest.by_path.get(PATH)
    if file is None or file.size > MAX_BYTES:
        raise BadArchive(f"it has no {PATH}; `ota build` writes it")
    return ReleaseFile.read(b"".join(package.read(PATH)))
