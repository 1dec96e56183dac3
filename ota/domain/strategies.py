"""How a rollout goes through the nodes: in which groups, and how much failure it takes.

Percentages are whole numbers, so that "exactly at the threshold" means what it says.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ota.domain.states import Strategy

REST = "rest"
PAUSE, ABORT, ROLLBACK = "pause", "abort", "rollback"


@dataclass(frozen=True, slots=True)
class Terms:
    """A strategy's figures. All times in seconds."""

    #: Sizes of the waves: a number of nodes, a percentage of the whole, or the rest.
    groups: tuple[str, ...] = ("1", "10%", REST)
    #: How long a wave is watched when it is up, before the next one begins.
    bake: float = 0.0
    #: So many failures of the first wave are too many; 0: it counts as any other.
    canary_abs: int = 1
    #: So many percent of what was tried are too many, once at least `min_executed` were.
    error_pct: int = 20
    min_executed: int = 5
    #: A wave succeeds with so many percent of its nodes.
    success_pct: int = 90
    error_action: str = PAUSE
    #: How long a node watches itself before it commits.
    probation: float = 2.0
    #: How long the code before may finish what it runs.
    handover: float = 3600.0
    #: How long a node tries to prove itself.
    deadline: float = 120.0
    #: How long the Nexus waits for a node that brings the release to itself, or switches to it.
    staging_deadline: float = 900.0
    activating_deadline: float = 180.0
    #: So many nodes switch at once.
    max_in_flight: int = 1000
    #: Nobody came through for so long: something is wrong.
    progress_deadline: float = 1800.0
    #: After these waves somebody must say that it goes on.
    gates: tuple[int, ...] = ()

    def write(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> "Terms":
        """What `write` gave."""
        lists = {"groups": tuple(body["groups"]), "gates": tuple(body["gates"])}
        return cls(**{**body, **lists})

    @property
    def node(self) -> dict[str, float]:
        """What of it the nodes need to know."""
        return {
            "probation": self.probation,
            "handover": self.handover,
            "deadline": self.deadline,
        }


STRATEGIES: dict[Strategy, Terms] = {
    Strategy.FAST: Terms(),
    Strategy.CAREFUL: Terms(
        groups=("1", "5%", "25%", REST),
        bake=600.0,
        error_pct=5,
        success_pct=98,
        probation=60.0,
        deadline=240.0,
        activating_deadline=420.0,
        max_in_flight=50,
        gates=(0,),
    ),
    Strategy.ALL_AT_ONCE: Terms(
        groups=(REST,), canary_abs=0, error_pct=30, success_pct=70, error_action=ROLLBACK
    ),
    Strategy.EMERGENCY: Terms(groups=("1", REST)),
    Strategy.MANUAL: Terms(gates=(0, 1, 2)),
}
