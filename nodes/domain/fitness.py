"""What a node is, what work needs of one, and whether the two can ever come together. Pure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

#: How a reason about one node reads when it is about several.
PLURALS = {
    "lacks": "lack",
    "has": "have",
    "is": "are",
    "runs": "run",
    "takes": "take",
    "keeps": "keep",
}
#: Reasons are told to people on one line.
MAX_REASON_CHARS = 300


@dataclass(frozen=True, slots=True)
class Gpu:
    """One device; memory in MiB. Its index may differ between containers, its `uuid` does not."""

    index: int
    name: str = ""
    memory_mb: int = 0
    free_mb: int = 0
    uuid: str = ""

    @property
    def device(self) -> str:
        """What tells it apart on its machine, whichever node speaks of it."""
        return self.uuid or str(self.index)


class Versions(Protocol):
    """Which releases will do. Its text is what somebody asked for."""

    def admits(self, release: str) -> bool:
        """Whether this release is one of them."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What of a node stays the same from heartbeat to heartbeat; many nodes are of one kind.

    `tasks` are the names that it can run: None if nobody knows, none while it still loads them.
    `memory_mb` is all of its machine's; 0 if nobody knows.
    """

    labels: frozenset[tuple[str, str]] = frozenset()
    capabilities: frozenset[str] = frozenset()
    gpu_memory_mb: tuple[int, ...] = ()
    release: str = ""
    tasks: frozenset[str] | None = None
    memory_mb: int = 0


PLAIN = Kind()


@dataclass(frozen=True, slots=True)
class Demand:
    """What a bundle needs. `short` work may queue behind slots with short work."""

    gpu: int = 0
    gpu_memory_mb: int = 0
    memory_mb: int = 0
    labels: tuple[tuple[str, str], ...] = ()
    capabilities: frozenset[str] = frozenset()
    #: So many bundles like it may wait behind each slot; 0 for what is long.
    short: int = 0
    #: Names of nodes that will not do.
    avoid: frozenset[str] = frozenset()
    release: Versions | None = None
    #: What the bundle runs; empty for whatever every node can run.
    task: str = ""


def mismatch(kind: Kind, demand: Demand) -> str:
    """Why no node of this kind can ever run this; empty if one can."""
    wrong = [f"{k}={v}" for k, v in demand.labels if (k, v) not in kind.labels]
    if wrong:
        return f"lacks the label {', '.join(wrong)}"
    missing = demand.capabilities - kind.capabilities
    if missing:
        return f"lacks {', '.join(sorted(missing))}"
    if demand.gpu:
        fitting = sum(memory >= demand.gpu_memory_mb for memory in kind.gpu_memory_mb)
        if demand.gpu > fitting:
            return f"has {fitting} of {gpus_text(demand)}"
    if kind.memory_mb and demand.memory_mb > kind.memory_mb:
        return f"has {kind.memory_mb} of {demand.memory_mb} MiB"
    if demand.release and not demand.release.admits(kind.release):
        return f"runs release {kind.release or 'unknown'}"
    return _tasks_mismatch(kind, demand)


def _tasks_mismatch(kind: Kind, demand: Demand) -> str:
    if not demand.task or kind.tasks is None or demand.task in kind.tasks:
        return ""
    return f"lacks the task {demand.task}" if kind.tasks else "is still loading its tasks"


def needs(demand: Demand) -> list[str]:
    """What the work asks of a node, each thing in a few words."""
    asked = [f"the label {k}={v}" for k, v in demand.labels]
    asked += sorted(demand.capabilities)
    if demand.gpu:
        asked.append(gpus_text(demand))
    if demand.release:
        asked.append(f"release {demand.release}")
    if demand.memory_mb:
        asked.append(f"{demand.memory_mb} MiB")
    return asked


def tally(reasons: Iterable[str]) -> str:
    """The same reasons of many nodes in one line: "2 lack ffmpeg, 1 has 0 of 4 GPUs"."""
    counts = Counter(reasons).most_common()
    parts = [f"{count} {_about(reason, count)}" for reason, count in counts]
    return ", ".join(parts)[:MAX_REASON_CHARS]


def _about(reason: str, count: int) -> str:
    if count == 1:
        return reason
    verb, _, rest = reason.partition(" ")
    return f"{PLURALS.get(verb, verb)} {rest}".replace(" its ", " their ")


def gpus_text(demand: Demand) -> str:
    """The devices that are wanted, in words: "2 GPUs with 8000 MiB"."""
    plural = "" if demand.gpu == 1 else "s"
    memory = f" with {demand.gpu_memory_mb} MiB" if demand.gpu_memory_mb else ""
    return f"{demand.gpu} GPU{plural}{memory}"
