"""Which faults come when: drawn from a seed before anything happens."""

from dataclasses import dataclass
from random import Random

#: How often each fault comes in one storm.
MIX = {
    "die": 14,
    "power": 4,
    "freeze": 10,
    "cut_off": 6,
    "slot": 8,
    "foreman_kill": 6,
    "foreman_stall": 2,
    "foreman_freeze": 1,
    "redis_fails": 8,
    "database_fails": 16,
    "amnesia": 1,
    "outage": 1,
    "cancel": 2,
    "pause": 3,
    "retry": 3,
    "release": 3,
    "drain": 2,
    "queue_pause": 1,
}


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong, or that somebody wants, at a time (seconds from the start)."""

    at: float
    kind: str
    seconds: float


def storm(random: Random, *, lasts: float) -> list[Fault]:
    """Faults in the order of their times; each kind comes about as often as MIX says."""
    faults = [
        Fault(random.uniform(2, lasts), kind, random.choice((1, 4, 8, 15, 30, 60)))
        for kind, often in MIX.items()
        for _ in range(random.randint(0, 2 * often))
    ]
    return sorted(faults, key=lambda fault: fault.at)
