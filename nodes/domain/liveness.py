"""When a node is alive, suspect, or lost. Evidence in, verdict out (DESIGN §6)."""

from dataclasses import dataclass
from enum import StrEnum

SUSPECT_AFTER_SECONDS = 6.0
LOST_AFTER_SECONDS = 45.0
#: Why a node is lost that said goodbye.
SHUT_DOWN = "shut down"
#: Why one is lost that an operator put out.
REVOKED = "revoked: it has no key any more"
#: Nobody need look for these.
ON_PURPOSE = (SHUT_DOWN, REVOKED)
#: A closed subscription alone may be a hiccup; all sockets closed at two looks is a death.
LOOKS_TO_BE_SURE = 2


class Pulse(StrEnum):
    """The verdict on one node."""

    ALIVE = "alive"
    SUSPECT = "suspect"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the Foreman saw of one node. `looks_without_sockets` counts consecutive looks."""

    silence_seconds: float
    looks_without_sockets: int = 0


def judge(evidence: Evidence) -> tuple[Pulse, str]:
    """The verdict and the reason that people are shown."""
    if evidence.looks_without_sockets >= LOOKS_TO_BE_SURE:
        return Pulse.LOST, "all its processes are gone"
    silence = evidence.silence_seconds
    if silence >= LOST_AFTER_SECONDS:
        return Pulse.LOST, f"silent for {silence:.0f} s"
    if silence >= SUSPECT_AFTER_SECONDS:
        return Pulse.SUSPECT, f"silent for {silence:.0f} s"
    return Pulse.ALIVE, ""
