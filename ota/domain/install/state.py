"""What a launcher knows of its home: kept on disk, and only for as long as it runs."""

import hashlib
import json
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from ota.domain.states import Phase

SCHEMA = 1
OWN = "own"
#: What reading nonsense raises.
MALFORMED = (ValueError, KeyError, TypeError, AttributeError, RecursionError)


class BadState(ValueError):
    """The text is no state, or was cut in the middle."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A release that lies ready on this machine, or the code that the Spore was started from."""

    name: str
    version: str
    sha256: str = ""
    channel: str = ""
    seq: int = 0
    #: The least `seq` that its signers allow from now on.
    floor: int = 0
    python: str = ""
    tree: str = ""
    task_modules: tuple[str, ...] = ()

    @property
    def own(self) -> bool:
        """Whether it is no release, but where the Spore was started from."""
        return self.name == OWN


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the Nexus wants of this node; `sha256` is empty for its own code. Times in seconds."""

    rev: int
    sha256: str
    version: str = ""
    channel: str = ""
    seq: int = 0
    path: str = ""
    size: int = 0
    activate: bool = False
    probation: float = 2.0
    handover: float = 3600.0
    deadline: float = 120.0


@dataclass(frozen=True, slots=True)
class Attempt:
    """How far a release is on this node, as the Nexus is told."""

    sha256: str
    state: str
    code: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Quarantine:
    """A release that failed here. `until` is in Unix seconds."""

    sha256: str
    reason: str
    until: float
    strikes: int = 1


@dataclass(frozen=True, slots=True)
class State:
    """What survives the launcher. The only truth of which release runs."""

    active: Slot
    previous: Slot | None = None
    pending: Slot | None = None
    phase: Phase = Phase.IDLE
    #: Neither release runs: no agent is started but to try again.
    safe: bool = False
    wanted: Wanted | None = None
    attempt: Attempt | None = None
    rev: int = 0
    #: The revision that was tried in vain, and when it may be tried again; never if None.
    failed_rev: int = 0
    retry_at: float | None = None
    retries: int = 0
    tries_left: int = 0
    saves: int = 0
    floor: dict[str, int] = field(default_factory=dict)
    quarantine: tuple[Quarantine, ...] = ()
    crashes: tuple[float, ...] = ()
    committed_at: float = 0.0

    def write(self) -> bytes:
        """The text, with its SHA-256 in front."""
        body = json.dumps({"schema": SCHEMA, **asdict(self)}, sort_keys=True).encode()
        return hashlib.sha256(body).hexdigest().encode() + b"\n" + body + b"\n"


def read_state(text: bytes) -> State:
    """The state that a text is, whole. Raises `BadState`."""
    digest, _, rest = text.partition(b"\n")
    body = rest.removesuffix(b"\n")
    if hashlib.sha256(body).hexdigest().encode() != digest:
        raise BadState("it was cut or changed")
    try:
        row = json.loads(body)
        if row.pop("schema") != SCHEMA:
            raise ValueError("it is of another launcher")
        return State(**{**row, **_read_parts(row)})
    except MALFORMED as fact:
        raise BadState(str(fact)) from None


def _read_parts(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "active": _read_slot(row["active"]),
        "previous": _read_slot(row["previous"]),
        "pending": _read_slot(row["pending"]),
        "phase": Phase(row["phase"]),
        "wanted": row["wanted"] and Wanted(**row["wanted"]),
        "attempt": row["attempt"] and Attempt(**row["attempt"]),
        "quarantine": tuple(Quarantine(**each) for each in row["quarantine"]),
        "crashes": tuple(row["crashes"]),
    }


def _read_slot(row: dict[str, Any] | None) -> Slot | None:
    return row and Slot(**{**row, "task_modules": tuple(row["task_modules"])})  # type: ignore[return-value]


def read_wanted(answer: dict[str, Any]) -> Wanted | None:
    """What an answer to `sync` asks for; None for nothing. Raises `ValueError` for nonsense."""
    try:
        rev, order = int(answer["rev"]), answer["order"]
        if order == "none":
            return None
        release = {} if order == OWN else answer["release"]
        known = {each.name for each in fields(Wanted)} - {"rev", "activate"}
        told = {**answer.get("terms", {}), **release}
        wanted = Wanted(
            rev=rev,
            activate=order in ("activate", OWN),
            **{"sha256": "", **{name: told[name] for name in known & told.keys()}},
        )
        return replace(
            wanted,
            seq=int(wanted.seq),
            size=int(wanted.size),
            probation=float(wanted.probation),
            handover=float(wanted.handover),
            deadline=float(wanted.deadline),
        )
    except MALFORMED as fact:
        raise ValueError(f"an answer that makes no sense: {fact!r}") from None
