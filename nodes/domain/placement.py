"""Which node gets a bundle. Hard filters first, then the lowest score.

Among near-equals the choice is random, so that two Foremen or two bundles do not herd.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random

from nodes.domain.scoring import Vitals, Weights, load

NEAR_EQUAL = 0.05
#: Work without a GPU goes to a node with GPUs only if nothing else is this much better.
GPU_RESERVE = 0.5


@dataclass(frozen=True, slots=True)
class Gpu:
    """One device; memory in MiB."""

    index: int
    name: str = ""
    memory_mb: int = 0
    free_mb: int = 0


@dataclass(frozen=True, slots=True)
class Demand:
    """What a bundle needs. `short` work may queue behind each busy slot, one bundle deep."""

    gpu: int = 0
    gpu_memory_mb: int = 0
    memory_mb: int = 0
    labels: tuple[tuple[str, str], ...] = ()
    capabilities: frozenset[str] = frozenset()
    short: bool = False


@dataclass(frozen=True, slots=True)
class Candidate:
    """A node as placement sees it. `sent` bundles are in flight there, by the Foreman's ledger."""

    name: str
    slots: int
    sent: int = 0
    cpu: float = 0.0
    memory: float = 0.0
    free_memory_mb: int = 0
    placeable: bool = True
    labels: dict[str, str] = field(default_factory=dict)
    capabilities: frozenset[str] = frozenset()
    gpus: tuple[Gpu, ...] = ()
    free_gpus: tuple[Gpu, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """Where a bundle goes, on which devices, and the score that decided."""

    node: str
    gpus: tuple[int, ...]
    score: float


def score(node: Candidate, weights: Weights) -> float:
    """The load of a candidate; lower is better."""
    return load(Vitals(node.cpu, node.memory, node.sent, node.slots), weights)


def unfit(node: Candidate, demand: Demand) -> str:
    """Why the node can never run this; empty if it can."""
    if not node.placeable:
        return "takes no new work"
    wrong = [f"{k}={v}" for k, v in demand.labels if node.labels.get(k) != v]
    if wrong:
        return f"lacks label {', '.join(wrong)}"
    missing = demand.capabilities - node.capabilities
    if missing:
        return f"lacks {', '.join(sorted(missing))}"
    fitting = [gpu for gpu in node.gpus if gpu.memory_mb >= demand.gpu_memory_mb]
    if demand.gpu > len(fitting):
        return f"has {len(fitting)} of {demand.gpu} GPUs with {demand.gpu_memory_mb} MiB"
    return ""


def busy(node: Candidate, demand: Demand) -> str:
    """Why the node cannot take this just now; empty if it can."""
    if node.sent >= node.slots * (2 if demand.short else 1):
        return "its slots are taken"
    if demand.memory_mb > node.free_memory_mb:
        return f"has {node.free_memory_mb} of {demand.memory_mb} MiB free"
    if demand.gpu > len(devices(node, demand)):
        return "its GPUs are taken"
    return ""


def devices(node: Candidate, demand: Demand) -> tuple[int, ...]:
    """The free devices to lease, at most as many as are wanted."""
    fitting = [gpu for gpu in node.free_gpus if gpu.free_mb >= demand.gpu_memory_mb]
    return tuple(gpu.index for gpu in fitting[: demand.gpu])


def choose(
    nodes: Iterable[Candidate],
    demand: Demand,
    *,
    weights: Weights,
    random: Random,
    avoid: frozenset[str] = frozenset(),
) -> Choice | None:
    """The best node with room, or None. Nodes to `avoid` are taken only if no other fits ever."""
    fit = [node for node in nodes if not unfit(node, demand)]
    preferred = [node for node in fit if node.name not in avoid] or fit
    open_now = [node for node in preferred if not busy(node, demand)]
    if not open_now:
        return None
    reserve = {node.name: _reserve(node, demand) for node in open_now}
    scored = [(score(node, weights) + reserve[node.name], node) for node in open_now]
    best = min(value for value, _ in scored)
    value, node = random.choice([pair for pair in scored if pair[0] <= best + NEAR_EQUAL])
    return Choice(node.name, devices(node, demand), value - reserve[node.name])


def _reserve(node: Candidate, demand: Demand) -> float:
    return GPU_RESERVE if node.gpus and not demand.gpu else 0.0
