"""One step of the machine: what is known, and what is to be done about it."""

from dataclasses import dataclass, replace
from typing import Any

from ota.domain.install.events import Act, StartAgent
from ota.domain.install.state import Slot, State
from ota.domain.states import Phase

#: What runs has not shown yet that it can.
UNPROVED = (Phase.TRIAL, Phase.ROLLBACK)
#: Something is brought here, or lies ready, beside what runs or should.
PREPARING = (Phase.STAGING, Phase.STAGED)


@dataclass(frozen=True, slots=True)
class Moment:
    """Now: in Unix seconds, and on the clock that nobody sets."""

    wall: float
    steady: float


@dataclass(frozen=True, slots=True)
class Run:
    """What is known only while the launcher runs. Times are of the steady clock."""

    #: The agent behind the gate: none, "starting" or "ready"; since when; how often it died.
    warm: str = ""
    warm_since: float = 0.0
    warm_deaths: int = 0
    staging_since: float = 0.0
    #: The agent that is to run: when it was started, whether it has loaded all, whether Redis
    #: heard it, when it was proved.
    since: float = 0.0
    ready: bool = False
    lived: bool = False
    proved_at: float | None = None
    #: Whether any agent was heard since the launcher began.
    ever_lived: bool = False
    restart_at: float | None = None
    deaths: int = 0


class Step:
    """What every rule of the machine reads and changes."""

    def __init__(self, state: State, *, own: Slot) -> None:
        self.state, self.run, self.own = state, Run(), own
        self.now = Moment(0.0, 0.0)
        self.acts: list[Act] = []

    def keep(self, **changes: Any) -> None:
        """Change what is saved."""
        self.state = replace(self.state, **changes)

    def see(self, **changes: Any) -> None:
        """Change what is not."""
        self.run = replace(self.run, **changes)

    def order(self, *acts: Act) -> None:
        """Have something done."""
        self.acts.extend(acts)

    def start(self) -> None:
        """Start the agent of the active release; it is probed unless it was proved before."""
        self.see(since=self.now.steady, ready=False, lived=False, proved_at=None, restart_at=None)
        probed = self.state.phase in UNPROVED or self.state.safe
        self.order(StartAgent(self.state.active, probed=probed))

    def rest(self, seconds: float) -> None:
        """Start it later."""
        self.see(restart_at=self.now.steady + seconds, deaths=self.run.deaths + 1)
