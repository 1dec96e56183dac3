"""Reads what the Nexus knows of releases."""

from collections import Counter
from dataclasses import asdict
from typing import Any

from hive_site.kernel.errors import Invalid, NotFound
from ota.comparing import read_manifest, without_release_file
from ota.domain.manifest import Difference, compare
from ota.domain.release_file import ReleaseFile
from ota.models import Home, Release
from ota.wheelhouse import read_package_lock


def release_view(row: Release, nodes: int) -> dict[str, Any]:
    """A release as JSON; `nodes` is on how many it runs."""
    return {
        "version": row.version,
        "channel": row.channel,
        "seq": row.seq,
        "state": row.state,
        "sha256": row.sha256,
        "size": row.size,
        "unpacked_size": row.unpacked_size,
        "files": row.file_count,
        "environment": row.environment,
        "signed_by": row.signed_by,
        "published_by": row.published_by,
        "created_at": row.created_at,
        "nodes": nodes,
    }


def release_views(*, before: int | None, limit: int) -> tuple[list[dict[str, Any]], int | None]:
    """A page of releases, the newest first, and where the next one begins (None: nowhere)."""
    rows = Release.objects.order_by("-id")
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows[: limit + 1])
    counts = node_counts([row.sha256 for row in found])
    views = [release_view(row, counts[row.sha256]) for row in found[:limit]]
    return views, found[limit - 1].pk if len(found) > limit else None


def node_counts(packages: list[str]) -> Counter[str]:
    """On how many nodes each of these packages runs."""
    return Counter(Home.objects.filter(active__in=packages).values_list("active", flat=True))


def find_release(version: str) -> Release:
    """The release of a version. Raises `NotFound`."""
    row = Release.objects.filter(version=version).first()
    if row is None:
        raise NotFound(f"there is no release {version!r}")
    return row


def detail_view(row: Release, against: str | None = None) -> dict[str, Any]:
    """A release, and what differs from another one. Raises `Invalid`, `NotFound`."""
    view = release_view(row, node_counts([row.sha256])[row.sha256])
    difference = None
    if against:
        other = Release.objects.filter(version=against).first()
        if other is None:
            raise Invalid(f"there is no release {against!r}", field="against")
        difference = {"against": against, **asdict(compare_releases(other, row))}
    return {**view, "difference": difference}


def compare_releases(old: Release, new: Release) -> Difference:
    """What became of the files, whatever the release file says. Raises `NotFound`."""
    before, after = (without_release_file(_manifest_of(row)) for row in (old, new))
    return compare(before, after)


def read_release_file(row: Release) -> ReleaseFile:
    """What a release says of itself. Raises `NotFound`."""
    try:
        return read_package_lock(row.sha256)[0]
    except OSError as fact:
        raise NotFound(f"the package of release {row} is gone") from fact


def _manifest_of(row: Release) -> Any:
    try:
        return read_manifest(row.sha256)
    except OSError as fact:
        raise NotFound(f"the package of release {row} is gone") from fact
