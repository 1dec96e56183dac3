"""What differs between releases, file by file."""

from collections import Counter
from dataclasses import replace

from django.conf import settings
from django.db import DatabaseError

from hive_site.kernel.errors import Invalid
from ota.archive import open_package
from ota.building import Wish, build
from ota.domain import release_file
from ota.domain.manifest import Manifest
from ota.models import Home, Release
from ota.storage import package_path


def read_manifest(package: str) -> Manifest:
    """The manifest of a stored package. Raises `FileNotFoundError`."""
    with open_package(package_path(package)) as found:
        return found.manifest


def without_release_file(manifest: Manifest) -> Manifest:
    """All of it but what differs between any two versions."""
    return Manifest(tuple(f for f in manifest.files if f.path != release_file.PATH))


def running(wish: Wish) -> tuple[str, Manifest] | None:
    """The version that most nodes run, and its files: a release, or else this project.

    None if that cannot be packed.
    """
    try:
        release = most_run()
        if release is not None:
            return release.version, read_manifest(release.sha256)
    except (DatabaseError, OSError):
        pass  # a machine that only builds has no database of the cluster
    own = replace(wish, version="0", sources=(), tasks=())
    try:
        return settings.HIVE_RELEASE, build(own).manifest
    except (Invalid, OSError):
        return None


def most_run() -> Release | None:
    """The release that runs on more nodes than any other; None if that is their own code."""
    counts = Counter(Home.objects.values_list("active", flat=True))
    found = counts.most_common(1)
    return Release.objects.filter(sha256=found[0][0]).first() if found else None
