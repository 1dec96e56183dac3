"""Which node gets a bundle. Hard filters first, then the lowest score.

Among near-equals the choice is random, so that two Foremen or two bundles do not herd.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from nodes.domain.fitness import PLAIN, Demand, Gpu, Kind, gpus_text, mismatch
from nodes.domain.scoring import Vitals, Weights, load

__all__ = ["Candidate", "Choice", "Demand", "Gpu", "Kind", "busy", "devices", "score", "unfit"]

NEAR_EQUAL = 0.05
#: Added to a node with GPUs for work without: more than the load of any node with a free slot.
GPU_RESERVE = 1.0
#: So many bundles of the shortest work may wait behind each slot.
DEEPEST = 8


@dataclass(frozen=True, slots=True)
class Candidate:
    """A node as placement sees it. `sent` bundles are in flight there, by the Foreman's ledger,
    of which `long` may keep their slots for a while. It shares memory and devices with the others
    on its `host`."""

    name: str
    slots: int
    host: str = ""
    sent: int = 0
    long: int = 0
    cpu: float = 0.0
    memory: float = 0.0
    free_memory_mb: int = 0
    #: What would be free if all that was sent to its machine had ended, and all its devices.
    idle_memory_mb: int = 0
    gpus: tuple[Gpu, ...] = ()
    #: What of all that is free is kept for somebody who needs more.
    kept_gpus: frozenset[str] = frozenset()
    kept_mb: int = 0
    #: So many bundles at most may wait behind each slot, because somebody waits for the slots.
    depth: int = DEEPEST
    kind: Kind = PLAIN
    free_gpus: tuple[Gpu, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """Where a bundle goes, on which devices, the score that decided, and why for people."""

    node: str
    gpus: tuple[int, ...]
    score: float
    why: str = ""


def score(node: Candidate, weights: Weights) -> float:
    """The load of a candidate; lower is better."""
    return load(Vitals(node.cpu, node.memory, node.sent, node.slots), weights)


def rating(node: Candidate, demand: Demand, weights: Weights) -> float:
    """The score, and what keeps GPUs free for those who need them; lower is better."""
    reserve = GPU_RESERVE if node.kind.gpu_memory_mb and not demand.gpu else 0.0
    return score(node, weights) + reserve


def unfit(node: Candidate, demand: Demand) -> str:
    """Why the node can never run this; empty if it can."""
    return "is to be avoided" if node.name in demand.avoid else mismatch(node.kind, demand)


def room(node: Candidate, *, short: int) -> int:
    """How many more bundles the node may hold, if so many of them may wait behind each slot.

    Short work waits behind short work only.
    """
    return node.slots + min(short, node.depth) * max(node.slots - node.long, 0) - node.sent


def busy(node: Candidate, demand: Demand) -> str:
    """Why the node cannot take this just now; empty if it can."""
    if room(node, short=demand.short) <= 0:
        return "has all its slots taken"
    if lack := _lack(node, demand):
        return lack
    keeps = node.kept_mb or node.kept_gpus
    if keeps and _lack(without(node, node.kept_gpus, node.kept_mb), demand):
        return "keeps what is free for larger work"
    return ""


def _lack(node: Candidate, demand: Demand) -> str:
    """What of memory and devices the node has too little of; empty if it has enough."""
    if demand.memory_mb > node.free_memory_mb:
        return f"has {node.free_memory_mb} of {demand.memory_mb} MiB free"
    if demand.gpu and demand.gpu > (found := len(_fitting(node.free_gpus, demand))):
        return f"has {found} of {gpus_text(demand)} free"
    return ""


def devices(node: Candidate, demand: Demand) -> tuple[int, ...]:
    """The free devices to lease, at most as many as are wanted."""
    return _fitting((gpu for gpu in node.free_gpus if gpu.device not in node.kept_gpus), demand)


def _fitting(gpus: Iterable[Gpu], demand: Demand) -> tuple[int, ...]:
    large = [gpu.index for gpu in gpus if gpu.free_mb >= demand.gpu_memory_mb]
    return tuple(large[: demand.gpu])


def nearest(nodes: Iterable[Candidate], demand: Demand) -> Candidate | None:
    """The node that lacks least of the memory and devices that this needs.

    None if some node lacks nothing, or none will ever have them, whatever ends there.
    """
    nodes = list(nodes)
    if any(_supply(node, demand) >= 1 for node in nodes):
        return None
    able = [node for node in nodes if _supply(idle(node), demand) >= 1]
    return min(able, key=lambda node: (-_supply(node, demand), node.name), default=None)


def idle(node: Candidate) -> Candidate:
    """The node once all has ended that was sent to its machine."""
    return replace(node, sent=0, long=0, free_memory_mb=node.idle_memory_mb, free_gpus=node.gpus)


def _supply(node: Candidate, demand: Demand) -> float:
    """How much of the scarcest thing that is wanted is free: 1 is enough."""
    memory = node.free_memory_mb / demand.memory_mb if demand.memory_mb else 1.0
    return min(1.0, memory, len(devices(node, demand)) / demand.gpu if demand.gpu else 1.0)


def without(node: Candidate, taken: Collection[str], memory_mb: int) -> Candidate:
    """The node with these devices and so much memory less to give."""
    if not (taken or memory_mb):
        return node
    return replace(
        node,
        free_memory_mb=max(node.free_memory_mb - memory_mb, 0),
        free_gpus=tuple(gpu for gpu in node.free_gpus if gpu.device not in taken),
    )


def leased(node: Candidate, choice: Choice) -> frozenset[str]:
    """What the devices of a choice are called on the node's machine."""
    return frozenset(gpu.device for gpu in node.free_gpus if gpu.index in choice.gpus)


def charge(node: Candidate, choice: Choice, demand: Demand) -> Candidate:
    """The node with the bundle that was just chosen for it; it is busier before it can say so."""
    return replace(
        without(node, leased(node, choice), demand.memory_mb),
        sent=node.sent + 1,
        long=node.long + (not demand.short),
        cpu=min(1.0, node.cpu + 1 / max(node.slots, 1)),
    )
