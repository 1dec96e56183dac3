"""Forgets packages that nobody needs any more, and what was left lying about."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.db import transaction
from django.db.models import Q, QuerySet

from ota.domain.states import ACTIVE_ROLLOUTS, Channel, ReleaseState, RolloutState
from ota.journal import record
from ota.models import Deployment, Home, Release, Rollout
from ota.storage import UNFINISHED, locked, package_path, packages
from ota.trust import nexus
from ota.wheelhouse import useless_wheels

#: Of these a roll-out may still want its package.
OPEN = (*ACTIVE_ROLLOUTS, RolloutState.DRAFT)
#: Younger ones may still be being written.
LEFTOVER_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was forgotten: versions, and files of which no release told."""

    releases: tuple[str, ...]
    leftovers: tuple[str, ...]
    freed_bytes: int


def prune(*, keep: int, who: str, now: datetime, dry_run: bool = False) -> Pruned:
    """Forget all packages that nothing refers to, but the newest `keep` of each channel.

    A release stays in the records, as purged. Doing it again finishes what broke off.
    """
    with locked():
        doomed = [row for row in _unneeded(keep) if dry_run or _purge(row, who, now)]
        leftovers = list(_leftovers({row.sha256 for row in doomed}))
        files = [path for row in doomed if (path := package_path(row.sha256)).exists()]
        freed = sum(path.stat().st_size for path in (*files, *leftovers) if path.exists())
        if not dry_run:
            _sign_off(now)
            for path in (*files, *leftovers):
                _remove(path)
    versions = tuple(row.version for row in doomed)
    return Pruned(versions, tuple(path.name for path in leftovers), freed)


def needed() -> Q:
    """Releases that some node has or shall have, or that an open rollout refers to."""
    homes = Home.objects.all()
    back = Deployment.objects.filter(rollout__state__in=OPEN).exclude(from_sha256="")
    return (
        Q(pk__in=homes.exclude(wanted=None).values("wanted_id"))
        | Q(sha256__in=homes.values("active"))
        | Q(sha256__in=homes.values("previous"))
        | Q(sha256__in=homes.values("staged"))
        | Q(pk__in=Rollout.objects.filter(state__in=OPEN).values("release_id"))
        | Q(sha256__in=back.values("from_sha256"))
    )


def _unneeded(keep: int) -> list[Release]:
    there = Release.objects.exclude(state=ReleaseState.PURGED)
    newest = [
        pk
        for channel in Channel
        for pk in there.filter(channel=channel).order_by("-seq").values_list("pk", flat=True)[:keep]
    ]
    return list(_spare(there).exclude(pk__in=newest).order_by("pk"))


def _spare(rows: QuerySet[Release]) -> QuerySet[Release]:
    return rows.exclude(needed())


def _purge(row: Release, who: str, now: datetime) -> bool:
    """Mark it; False if somebody took to it meanwhile."""
    with transaction.atomic():
        rows = Release.objects.filter(pk=row.pk).exclude(state=ReleaseState.PURGED)
        # Whoever begins a rollout of it holds the row too: only behind them is its rollout seen.
        list(rows.select_for_update())
        if not _spare(rows).update(state=ReleaseState.PURGED):
            return False
        record(what="purged", release=row.version, who=who, now=now)
    return True


def _sign_off(now: datetime) -> None:
    """No signature for what is purged. The file goes after it, so a crash in between is seen."""
    rows = Release.objects.filter(state=ReleaseState.PURGED, channel=Channel.DEV)
    for row in rows:
        if package_path(row.sha256).exists():
            nexus.open_repository().remove_dev(row.target, now)


def _leftovers(doomed: set[str]) -> Iterator[Path]:
    """Files that were never finished, or of which no release tells, and wheels for none."""
    live = Release.objects.exclude(state=ReleaseState.PURGED)
    known = {*live.values_list("sha256", flat=True), *doomed}
    for path in sorted(packages().iterdir()):
        stray = path.suffix == ".zip" and path.stem not in known
        if (stray or path.name.startswith(UNFINISHED)) and _is_old(path):
            yield path
    yield from filter(_is_old, useless_wheels(known - doomed))


def _is_old(path: Path) -> bool:
    try:
        return path.is_file() and time.time() - path.stat().st_mtime > LEFTOVER_SECONDS
    except OSError:  # somebody finished it
        return False


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
