"""How the Foreman compares nodes. Pure arithmetic, no I/O."""

from dataclasses import dataclass
from math import exp

#: After this many seconds a measurement counts for 1/e; the rest is the cluster's mean.
FADE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Vitals:
    """What is known of a node's load. Loads run from 0 to 1."""

    cpu: float
    memory: float
    running: int
    slots: int


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each part of the load counts; they add up to 1."""

    cpu: float = 0.4
    memory: float = 0.3
    tasks: float = 0.3


def load(vitals: Vitals, weights: Weights) -> float:
    """How loaded a node is: 0 is idle, 1 is exhausted; more when bundles queue up on it."""
    taken = vitals.running / max(vitals.slots, 1)
    return weights.cpu * vitals.cpu + weights.memory * vitals.memory + weights.tasks * taken


def faded(measured: float, mean: float, *, age_seconds: float) -> float:
    """A measurement that drifts to the cluster's mean as it ages, so that nobody herds on it."""
    trust = exp(-max(age_seconds, 0.0) / FADE_SECONDS)
    return mean + (measured - mean) * trust


def charged(cpu: float, *, sent_since: int, slots: int) -> float:
    """CPU load with what was sent since it was measured; one bundle fills one slot's share."""
    return min(1.0, cpu + sent_since / max(slots, 1))
