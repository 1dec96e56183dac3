"""Many failures as few kinds of them. No I/O."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

LINE_CHARS = 300
#: A group names so many of its subtasks.
NAMED = 12
NODES_NAMED = 20


@dataclass(frozen=True, slots=True)
class Failure:
    """One try that went wrong."""

    type: str
    message: str
    traceback: str
    node: str
    index: int
    at: datetime | None
    outcome: str


@dataclass(slots=True)
class Group:
    """Failures with the same exception and the same first line; the newest is the example."""

    type: str
    line: str
    example: Failure
    count: int = 0
    first: datetime | None = None
    last: datetime | None = None
    nodes: Counter[str] = field(default_factory=Counter)
    #: Which subtasks, the newest first, and not all of them.
    indexes: dict[int, None] = field(default_factory=dict)
    #: Whether there are subtasks besides these.
    unnamed: bool = False

    @property
    def where(self) -> list[tuple[str, int]]:
        """The nodes with how often it happened there, the most frequent first."""
        return self.nodes.most_common(NODES_NAMED)

    def add(self, failure: Failure) -> None:
        """Count one more, older than those before it."""
        self.count += 1
        self.nodes[failure.node] += 1
        if len(self.indexes) < NAMED:
            self.indexes[failure.index] = None
        self.unnamed |= failure.index not in self.indexes
        if failure.at:
            self.first = min(self.first or failure.at, failure.at)
            self.last = max(self.last or failure.at, failure.at)


def group(failures: Iterable[Failure]) -> list[Group]:
    """The kinds of failures, the most frequent first; they come the newest first."""
    found: dict[tuple[str, str], Group] = {}
    for failure in failures:
        line = (failure.message.strip().splitlines() or [""])[0][:LINE_CHARS]
        key = failure.type, line
        if key not in found:
            found[key] = Group(*key, failure)
        found[key].add(failure)
    return sorted(found.values(), key=lambda one: -one.count)
