"""A rollout as decisions see it: frozen rows, and what is counted of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from ota.domain.states import FAILURES, DeploymentState, RolloutState, WaveState
from ota.domain.strategies import Terms

D, R = DeploymentState, RolloutState
#: Not yet past the switch.
BEFORE_SWITCH = frozenset({D.PENDING, D.STAGING, D.STAGED, D.DEFERRED})
#: On its way, and answering.
IN_FLIGHT = frozenset({D.PENDING, D.STAGING, D.STAGED, D.ACTIVATING})
FINAL = frozenset(
    {R.SUCCEEDED, R.SUCCEEDED_WITH_ERRORS, R.ABORTED, R.ROLLED_BACK, R.ROLLBACK_INCOMPLETE}
    | {R.SUPERSEDED}
)


class Code:
    """What kind of failure, or of waiting, a node is in; and why a rollout pauses."""

    OFFLINE = "offline"
    DEADLINE = "deadline"
    #: It should have gone back, and did not.
    STUCK = "not_back"
    ERRORS = "error_threshold"
    PROGRESS = "progress_deadline"
    INCOMPLETE = "group_incomplete"
    GATE = "gate"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True)
class Member:
    """One node of a rollout. `since` is when its state began."""

    name: str
    wave: int
    state: DeploymentState
    since: datetime
    silent: bool = False
    code: str = ""
    reason: str = ""

    def move(
        self, state: DeploymentState, now: datetime, code: str = "", why: str = ""
    ) -> "Member":
        """The same node in another state."""
        return replace(self, state=state, since=now, code=code, reason=why)


@dataclass(frozen=True, slots=True)
class Wave:
    """One group of nodes. `since` is when its state began, or when its clock was set anew."""

    state: WaveState = WaveState.WAITING
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class View:
    """A rollout. `since` is when its state began."""

    state: RolloutState
    terms: Terms
    waves: tuple[Wave, ...]
    members: Mapping[str, Member]
    since: datetime
    wave: int = 0
    reason: str = ""

    def become(self, state: RolloutState, now: datetime, reason: str = "") -> "View":
        """The same rollout in another state."""
        return replace(self, state=state, since=now, reason=reason)

    def with_members(self, members: Iterable[Member]) -> "View":
        """With these nodes as they are now."""
        return replace(self, members={**self.members, **{one.name: one for one in members}})

    def with_wave(self, index: int, wave: Wave) -> "View":
        """With one of its waves as it is now."""
        waves = (*self.waves[:index], wave, *self.waves[index + 1 :])
        return replace(self, waves=waves)

    def of_wave(self, index: int) -> list[Member]:
        """The nodes of one wave."""
        return [one for one in self.members.values() if one.wave == index]

    @property
    def last(self) -> bool:
        """Whether no wave comes after this one."""
        return self.wave >= len(self.waves) - 1

    @property
    def at_gate(self) -> bool:
        """Whether it waits for somebody to let the next wave begin."""
        begun = self.waves[self.wave].state if self.waves else WaveState.WAITING
        return self.state is R.PAUSED and begun is WaveState.SUCCEEDED and not self.last


@dataclass(frozen=True, slots=True)
class Tally:
    """A wave in figures: who counts, succeeded, failed, is in flight."""

    counted: int = 0
    healthy: int = 0
    failed: int = 0
    in_flight: int = 0
    deferred: int = 0
    skipped: int = 0

    @classmethod
    def of(cls, members: Iterable[Member]) -> "Tally":
        """Count them."""
        states = [one.state for one in members]
        skipped = sum(s in (D.SKIPPED, D.CANCELED, D.SUPERSEDED) for s in states)
        deferred = states.count(D.DEFERRED)
        return cls(
            counted=len(states) - skipped - deferred,
            healthy=states.count(D.HEALTHY),
            failed=sum(s in FAILURES for s in states),
            in_flight=sum(s in IN_FLIGHT for s in states),
            deferred=deferred,
            skipped=skipped,
        )

    @property
    def executed(self) -> int:
        """How many came to an end, good or bad."""
        return self.healthy + self.failed
