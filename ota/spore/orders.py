"""What a stager is asked for, and the mark of a release that is ready."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hive_site.kernel.disk import replace_file
from ota.domain.manifest import MALFORMED, SHA256
from ota.domain.states import Channel
from ota.spore.failures import Failed
from ota.spore.places import READY, slot_of

#: An attempt may not take longer than this, whatever is asked.
LONGEST_SECONDS = 1800.0


@dataclass(frozen=True, slots=True)
class Ordered:
    """The release that the Nexus wants here. None of it is believed before it was proved."""

    sha256: str
    path: str
    version: str
    channel: str
    seq: int
    size: int

    @property
    def slot(self) -> str:
        """Its directory below `releases`."""
        return slot_of(channel=self.channel, seq=self.seq, sha256=self.sha256)


@dataclass(frozen=True, slots=True)
class Request:
    """One JSON object on a stager's standard input."""

    home: Path
    node: str
    nexus: str
    release: Ordered
    channels: tuple[str, ...]
    floor: Mapping[str, int]
    own_python: str
    own_requirements: str
    deadline: float = LONGEST_SECONDS
    #: Slots that must not be touched, whatever state they are in: what runs, what ran before.
    keep: frozenset[str] = frozenset()

    @classmethod
    def read(cls, text: str) -> "Request":
        """The request that a text is. Raises `Failed` with code "malformed"."""
        try:
            body = json.loads(text)
            return cls(
                home=Path(body["home"]).absolute(),
                node=str(body["node"]),
                nexus=str(body["nexus"]),
                release=_read_release(body["release"]),
                channels=tuple(str(channel) for channel in body["channels"]),
                floor={str(channel): int(seq) for channel, seq in body["floor"].items()},
                own_python=str(body["own_python"]),
                own_requirements=str(body["own_requirements"]),
                deadline=min(float(body.get("deadline") or LONGEST_SECONDS), LONGEST_SECONDS),
                keep=frozenset(str(slot) for slot in body.get("keep", ())),
            )
        except MALFORMED as fact:
            told = f"no request for a stager: {type(fact).__name__} {fact}"
            raise Failed("malformed", told, permanent=True) from None


@dataclass(frozen=True, slots=True)
class Ready:
    """What stands in READY: the release was whole on the disk when it was written."""

    slot: str
    version: str
    channel: str
    seq: int
    sha256: str
    manifest_sha256: str
    floor: int
    python: str
    task_modules: tuple[str, ...]

    def write(self, slot: Path) -> None:
        """Make a slot ready, for good."""
        text = json.dumps(asdict(self), sort_keys=True, indent=1)
        replace_file(slot / READY, text.encode() + b"\n")

    @classmethod
    def read(cls, slot: Path) -> "Ready | None":
        """What a slot's mark says; None if it has none, or none that can be read."""
        try:
            body = json.loads((slot / READY).read_bytes())
            return cls(**{**body, "task_modules": tuple(body["task_modules"])})
        except (OSError, *MALFORMED):
            return None


def _read_release(body: dict[str, Any]) -> Ordered:
    found = Ordered(**{field: body[field] for field in Ordered.__slots__})
    if not (isinstance(found.path, str) and isinstance(found.version, str)):
        raise ValueError("release.path and release.version are texts")
    if not SHA256.fullmatch(found.sha256):
        raise ValueError("release.sha256 is no SHA-256")
    # It becomes a part of a path.
    if found.channel not in tuple(Channel):
        raise ValueError(f"release.channel {found.channel!r} is not known here")
    if not all(type(number) is int and number > 0 for number in (found.seq, found.size)):
        raise ValueError("release.seq and release.size are whole numbers from 1 on")
    return found
