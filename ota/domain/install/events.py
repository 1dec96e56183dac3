"""What a launcher hears of, and what it is told to do about it."""

from dataclasses import dataclass
from typing import TypeAlias

from ota.domain.install.state import Slot, Wanted

# What happened.


@dataclass(frozen=True, slots=True)
class Started:
    """The launcher began; nothing runs yet."""


@dataclass(frozen=True, slots=True)
class Told:
    """The Nexus said what it wants; None: nothing but what runs."""

    wanted: Wanted | None


@dataclass(frozen=True, slots=True)
class Staged:
    """The stager has a release ready."""

    slot: Slot


@dataclass(frozen=True, slots=True)
class NotStaged:
    """The stager gave up. What is `permanent` fails the next time, too."""

    code: str
    reason: str
    permanent: bool = True


@dataclass(frozen=True, slots=True)
class Warm:
    """The agent behind the gate has loaded everything."""


@dataclass(frozen=True, slots=True)
class NotWarm:
    """The agent behind the gate ended, or took too long."""

    reason: str


@dataclass(frozen=True, slots=True)
class Ready:
    """The agent that is to run has loaded everything; only Redis can keep it from working."""


@dataclass(frozen=True, slots=True)
class Unready:
    """The agent that is to run was started anew for it: it has loaded nothing yet."""


@dataclass(frozen=True, slots=True)
class Live:
    """The agent's first heartbeat was sent."""


@dataclass(frozen=True, slots=True)
class Probed:
    """What became of the probe."""

    ok: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Exited:
    """The agent that runs ended: it `left` because it was told to, or is `patient` with Redis, or
    says that it was `misused`: whoever started the Spore asked for what cannot be."""

    code: int
    reason: str
    left: bool = False
    patient: bool = False
    misused: bool = False


@dataclass(frozen=True, slots=True)
class Anew:
    """The hand-over went wrong: what runs must begin as a new start of the Spore."""

    reason: str


@dataclass(frozen=True, slots=True)
class Tick:
    """Time went by."""


Event: TypeAlias = (
    Started
    | Told
    | Staged
    | NotStaged
    | Warm
    | NotWarm
    | Ready
    | Unready
    | Live
    | Probed
    | Exited
    | Anew
    | Tick
)

# What is to be done, in this order, once the state was saved.


@dataclass(frozen=True, slots=True)
class StartAgent:
    """Run this release. `probed`: behind the gate, through it at once, and then a probe."""

    slot: Slot
    probed: bool = False


@dataclass(frozen=True, slots=True)
class StopAgent:
    """End the agent that runs; `gently`: what it runs may go on for a moment."""

    gently: bool = False


@dataclass(frozen=True, slots=True)
class StartWarm:
    """Start this release behind the gate, beside the one that runs."""

    slot: Slot


@dataclass(frozen=True, slots=True)
class StopWarm:
    """End the agent behind the gate."""


@dataclass(frozen=True, slots=True)
class HandOver:
    """Let the agent behind the gate through; the one that ran may finish for so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class StartStager:
    """Bring this release here."""

    wanted: Wanted


@dataclass(frozen=True, slots=True)
class StopStager:
    """Leave it."""


@dataclass(frozen=True, slots=True)
class Clean:
    """Remove what nobody needs any more."""


@dataclass(frozen=True, slots=True)
class Report:
    """Tell the Nexus now."""


@dataclass(frozen=True, slots=True)
class Leave:
    """The launcher ends."""

    code: int


Act: TypeAlias = (
    StartAgent
    | StopAgent
    | StartWarm
    | StopWarm
    | HandOver
    | StartStager
    | StopStager
    | Clean
    | Report
    | Leave
)
