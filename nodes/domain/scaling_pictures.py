"""What a pool of machines looks like, and how many of them the work needs. Pure.

Sizes are in nodes, times in seconds. What is needed:

    need = min(used + waiting, max(used, (work + running) / target))

that is, as many nodes as bring all known work to its start within the target, as Dask's adaptive
deployments and AWS's backlog per instance have it, and never more than could run at once.
"""

from dataclasses import dataclass
from enum import StrEnum

#: Of sums of shares the last digits are noise.
NOISE = 1e-6


class Stage(StrEnum):
    """Where a machine of a pool is in its life."""

    STARTING = "starting"
    READY = "ready"
    #: It is there and gets no work, and not because of us: an operator's, or one that is ill.
    HELD = "held"
    DRAINING = "draining"
    #: Nothing runs there, and nothing will.
    DRAINED = "drained"


@dataclass(frozen=True, slots=True)
class Rules:
    """What an operator wants of a pool; times in seconds."""

    minimum: int = 0
    maximum: int = 1
    target_wait: float = 10.0
    calm: float = 120.0
    cooldown: float = 10.0
    start_timeout: float = 300.0


@dataclass(frozen=True, slots=True)
class Machine:
    """One machine by its node's name; `age` is how long it is in its stage, `share` what of it
    is in use, 0 to 1. A `pinned` one is not to be drained just now."""

    node: str
    stage: Stage
    age: float = 0.0
    share: float = 0.0
    pinned: bool = False


@dataclass(frozen=True, slots=True)
class Load:
    """What waits for machines of this pool: subtasks, for how many seconds the oldest, how many
    nodes would run all of it at once, node-seconds of work, seconds of one subtask."""

    waiting: int = 0
    oldest: float = 0.0
    size: float = 0.0
    work: float = 0.0
    mean: float = 0.0

    def is_late(self, rules: Rules) -> bool:
        """Whether the oldest waits for longer than it should."""
        return self.waiting > 0 and self.oldest > rules.target_wait


@dataclass(frozen=True, slots=True)
class Picture:
    """One look at a pool. `doubt` says why nothing of it is to be believed. On `shaky` ground,
    with half of the cluster away, nothing is taken away."""

    now: float
    machines: tuple[Machine, ...] = ()
    load: Load = Load()
    doubt: str = ""
    shaky: bool = False

    def of(self, *stages: Stage) -> list[Machine]:
        """Its machines in these stages."""
        return [machine for machine in self.machines if machine.stage in stages]


def need_of(rules: Rules, picture: Picture) -> float:
    """How many nodes the known work needs, by the formula above."""
    load = picture.load
    used = sum(machine.share for machine in picture.of(Stage.READY))
    in_time = (load.work + used * load.mean) / max(rules.target_wait, NOISE)
    if load.is_late(rules):
        # Whatever is known of durations: what is there already was not enough.
        in_time = max(in_time, len(picture.of(Stage.READY, Stage.STARTING)))
    return min(used + load.size, max(used, in_time))
