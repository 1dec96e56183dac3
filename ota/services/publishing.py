"""Takes packages in: looked through, stored, signed for, and then known to everybody.

In this order, so that a crash leaves at most a file, or a signature for a file, of which no row
tells; publishing the same bytes again then finishes what was begun.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone

from hive_site.kernel.errors import Conflict, Invalid
from ota.domain.states import Channel, ReleaseState
from ota.domain.trust import Untrusted
from ota.inspection import Inspected, inspect_package
from ota.journal import record
from ota.models import Release
from ota.sidecar import read_sidecar
from ota.storage import keep_package, locked, package_path, received
from ota.trust import nexus


def publish(
    file: Path | BinaryIO,
    *,
    channel: str,
    signature: bytes | None = None,
    who: str,
    now: datetime | None = None,
) -> Release:
    """The release that a package became; the same bytes again are the same release.

    Raises `Invalid` (with the field), `Conflict`, `OSError`.
    """
    now = now or timezone.now()
    _check_channel(channel, signature)
    with _opened(file) as source, received(source) as (draft, sha256):
        package = inspect_package(draft)
        with locked():
            known = _find_known(package, channel)
            keep_package(draft, sha256)
            if known:
                return known
            with _gone_if_refused(sha256):
                return _enter(package, channel, signature, who, now)


def yank(*, version: str, who: str, reason: str = "", now: datetime | None = None) -> bool:
    """No new rollout takes this release; nodes that run it go on. False if it was so already."""
    with transaction.atomic():
        rows = Release.objects.filter(version=version, state=ReleaseState.PUBLISHED)
        if not rows.update(state=ReleaseState.YANKED):
            return False
        record(what="yanked", release=version, who=who, reason=reason, now=now or timezone.now())
    return True


def _opened(file: Path | BinaryIO) -> AbstractContextManager[BinaryIO]:
    return file.open("rb") if isinstance(file, Path) else nullcontext(file)


def _check_channel(channel: str, signature: bytes | None) -> None:
    if channel not in list(Channel):
        raise Invalid(f"{channel!r}; there are {', '.join(Channel)}", field="channel")
    if channel == Channel.STABLE and not signature:
        way = "`ota sign FILE.zip --keys KEYS` writes FILE.zip.targets.json"
        raise Invalid(f"a stable release takes an operator's signature; {way}", field="signature")
    if channel == Channel.DEV and signature:
        text = "a release of the channel dev is signed by the Nexus; give channel stable, or none"
        raise Invalid(text, field="signature")


def _find_known(package: Inspected, channel: str) -> Release | None:
    """The release that these bytes are already. Raises `Conflict` if they cannot be published."""
    way = "build it under another version"
    if row := Release.objects.filter(sha256=package.sha256).first():
        if row.channel != channel:
            raise Conflict(f"these bytes are release {row} of the channel {row.channel}; {way}")
        if row.state == ReleaseState.PURGED:
            raise Conflict(f"release {row} was pruned; {way}")
        return row
    version = package.about.version
    if row := Release.objects.filter(version=version).first():
        day = f"{row.created_at:%Y-%m-%d}"
        raise Conflict(f"version {version} was published at {day} with other contents; {way}")
    return None


@contextmanager
def _gone_if_refused(sha256: str) -> Iterator[None]:
    """The stored package goes if it may not become a release."""
    try:
        yield
    except (Invalid, Conflict):
        package_path(sha256).unlink(missing_ok=True)
        raise


def _enter(
    package: Inspected, channel: str, signature: bytes | None, who: str, now: datetime
) -> Release:
    """Sign, and write it down."""
    desk = nexus.open_repository()
    desk.ensure(now)
    stable = signature is not None
    seq, path = read_sidecar(signature, package) if signature else (_next_seq(channel), "")
    try:
        with transaction.atomic():
            row = _new_row(package, channel, seq, who, now)
            size, sha256 = package.size, package.sha256
            if stable:
                row.signed_by = desk.add_signed(signature or b"", path, size, sha256, now)
            else:
                custom = package.custom(channel=channel, seq=seq, floor_seq=0, built=now)
                row.signed_by = desk.add_dev(row.target, size, sha256, custom, now)
            row.save(update_fields=["signed_by"])
            record(what="published", release=row.version, who=who, reason=row.target, now=now)
    except Untrusted as fact:
        raise Invalid(f"{fact.code}: {fact.reason}", field="signature") from fact
    except IntegrityError as fact:
        taken = f"number {seq} of the channel {channel}, or this version, is taken meanwhile"
        raise Conflict(f"{taken}; sign or publish it again") from fact
    return row


def _next_seq(channel: str) -> int:
    # Also of releases whose packages are gone: a node never sees a number twice.
    newest = Release.objects.filter(channel=channel).aggregate(Max("seq"))["seq__max"]
    return (newest or 0) + 1


def _new_row(package: Inspected, channel: str, seq: int, who: str, now: datetime) -> Release:
    return Release.objects.create(
        version=package.about.version,
        channel=channel,
        seq=seq,
        sha256=package.sha256,
        size=package.size,
        unpacked_size=package.unpacked_size,
        file_count=package.file_count,
        environment=package.environment,
        published_by=who[:150],
        created_at=now,
    )
