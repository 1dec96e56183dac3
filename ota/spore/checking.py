"""Whether a node may take a release: who signed it, and whether it fits here. Nothing is fetched
before that is known.
"""

import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from ota.domain.trust import Untrusted
from ota.spore.failures import Failed
from ota.spore.nexus import NexusAway, Refused
from ota.spore.orders import Ordered, Request

SPARE_BYTES = 200 * 1024 * 1024
#: Metadata that look expired say more about the clock if that is so far off.
SKEW_SECONDS = 300.0
TEXTS = ("manifest_sha256", "python", "requirements_sha256", "lock_sha256")
NUMBERS = ("unpacked_size", "file_count", "floor_seq")


class Trust(Protocol):
    """What this node believes (`ota.spore.trust.TrustStore`)."""

    @property
    def pinned(self) -> bool:
        """Whether there is a root to begin with."""

    def root_version(self) -> int:
        """The newest root that is known."""

    def pin(self, root: bytes) -> None:
        """Believe in this root from now on."""

    def knows(self, root: bytes) -> bool:
        """Whether this root is the pinned one, or one of those that followed."""

    def refresh(self, bundle: dict[str, Any], now: datetime) -> None:
        """Take newer metadata, if they are signed as they must be."""

    def find(self, path: str) -> Any:
        """What is signed under this path."""


class Desk(Protocol):
    """Where metadata come from (`ota.spore.nexus.NexusClient`)."""

    skew: float

    def root(self) -> bytes:
        """The root of trust."""

    def metadata(self, root_from: int) -> dict[str, Any]:
        """All metadata."""


@dataclass(frozen=True, slots=True)
class Record:
    """What the signers say of a release."""

    manifest_sha256: str
    unpacked_size: int
    file_count: int
    floor_seq: int
    python: str
    requirements_sha256: str
    lock_sha256: str


def check_policy(request: Request) -> None:
    """Whether this node takes such releases at all. Raises `Failed`: "channel", "floor"."""
    wanted = request.release
    if wanted.channel not in request.channels:
        enrolled = ", ".join(request.channels) or "none"
        told = f"{wanted.version} is of channel {wanted.channel}; this node takes: {enrolled}"
        raise Failed("channel", told, permanent=True)
    floor = request.floor.get(wanted.channel, 0)
    if wanted.seq < floor:
        told = f"{wanted.version} has number {wanted.seq}; this node takes none below {floor}"
        raise Failed("floor", told, permanent=True)


def learn(
    wanted: Ordered, trust: Trust, desk: Desk, *, root: bytes | None, now: datetime
) -> Record:
    """What is signed of the release that was ordered, by whoever this node trusts.

    `root` is pinned at first contact; without one, the root that the Nexus seals for this node.
    Raises `Failed` with what `Untrusted` says, "clock_skew", "mismatch" or "nexus".
    """
    try:
        if not trust.pinned:
            trust.pin(root or desk.root())
        trust.refresh(desk.metadata(trust.root_version()), now)
        if root is not None and not trust.knows(root):
            way = "remove ota/trust of this home if the one in HIVE_OTA_ROOT is right"
            raise Untrusted("signature", f"another root was pinned here before; {way}")
        signed = trust.find(wanted.path)
    except Untrusted as fact:
        raise _explain(fact, desk.skew) from None
    except NexusAway as fact:
        raise Failed("nexus", f"the Nexus cannot be asked: {fact.reason}") from None
    except Refused as fact:
        raise Failed("nexus", f"the Nexus refused to tell what is signed: {fact}") from None
    return _compare(wanted, signed)


def check_python(specifier: str, version: str) -> None:
    """Raises `Failed` with code "python" unless this version of Python is one of these."""
    try:
        fits = SpecifierSet(specifier).contains(version, prereleases=True)
    except InvalidSpecifier:
        raise Failed("python", f"{specifier!r} names no Pythons", permanent=True) from None
    if not fits:
        told = f"it needs Python {specifier}; {platform.node()} has {version}"
        raise Failed("python", told, permanent=True)


def check_room(home: Path, record: Record, size: int, free: Callable[[Path], int]) -> None:
    """Raises `Failed` with code "disk" if the home has not enough room. `free` gives bytes."""
    needed, found = 2 * record.unpacked_size + size + SPARE_BYTES, free(home)
    if found < needed:
        told = f"{home} has {found >> 20} MiB free; {(needed >> 20) + 1} MiB are needed"
        raise Failed("disk", told)


def _explain(fact: Untrusted, skew: float) -> Failed:
    if fact.code == "expired" and abs(skew) > SKEW_SECONDS:
        told = f"this clock is {abs(skew):.0f} s off the Nexus's; set it ({fact.reason})"
        return Failed("clock_skew", told)
    return Failed(fact.code, fact.reason)


def _compare(wanted: Ordered, signed: Any) -> Record:
    about = signed.custom.get("hive") if isinstance(signed.custom, Mapping) else None
    if not isinstance(about, Mapping):
        raise Failed("malformed", f"{wanted.path}: what is signed says nothing of the release")
    pairs = {
        "sha256": (wanted.sha256, signed.sha256),
        "size": (wanted.size, signed.length),
        "version": (wanted.version, about.get("version")),
        "channel": (wanted.channel, about.get("channel")),
        "seq": (wanted.seq, about.get("seq")),
    }
    for field, (ordered, told) in pairs.items():
        if ordered != told:
            reason = f"{field}: ordered is {ordered!r}, signed is {told!r}"
            raise Failed("mismatch", f"{wanted.path}: {reason}", permanent=True)
    return _read_record(wanted.path, about)


def _read_record(path: str, about: Mapping[str, Any]) -> Record:
    """The signed fields. Signed does not mean sound."""
    for field in TEXTS:
        if not isinstance(about.get(field), str):
            raise Failed("malformed", f"{path}: {field} is no text", permanent=True)
    for field in NUMBERS:
        if type(about.get(field)) is not int:
            raise Failed("malformed", f"{path}: {field} is no whole number", permanent=True)
    return Record(**{field: about[field] for field in (*TEXTS, *NUMBERS)})
