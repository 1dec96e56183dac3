"""What was sent and has not come back: bundles by id, attempts by id, in the leader's memory."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from jobs.domain.backlog import Ready
from jobs.domain.cache import Twins


@dataclass(slots=True)
class Sent:
    """One bundle on its way. `open` maps attempt ids to the subtasks that have not come back."""

    id: str
    node: str
    incarnation: str
    job: str
    first: int
    at: float
    items: list[Ready]
    gpus: tuple[int, ...] = ()
    task: str = ""
    #: Memory that was asked for it, in MiB.
    memory_mb: int = 0
    #: Whether others may wait behind it.
    short: bool = False
    #: Why it went to its node, for people; empty for what an earlier leader sent.
    placed: str = ""
    open: dict[int, Ready] = field(default_factory=dict)
    #: All its subtasks in the order of their attempts, those that came back included.
    subtasks: list[int] = field(default_factory=list)
    #: When its node last showed that it has it in hand, in Unix seconds.
    sign_at: float = 0.0

    def __post_init__(self) -> None:
        self.subtasks = self.subtasks or [item.subtask for item in self.items]
        self.sign_at = self.sign_at or self.at
        if not self.open:
            self.open = {self.first + n: item for n, item in enumerate(self.items)}


class Flight:
    """All bundles in flight."""

    def __init__(self) -> None:
        self._bundles: dict[str, Sent] = {}
        self._attempts: dict[int, Sent] = {}
        self._nodes: dict[str, dict[str, Sent]] = {}
        self._copies: dict[int, set[int]] = {}
        self._tasks: Counter[str] = Counter()
        #: How many attempts of equal subtasks are in flight, for those whose results are cached.
        self._keys: dict[str, int] = {}
        self.twins = Twins()
        #: The nodes of which something changed since this was asked for last.
        self._changed: set[str] = set()

    def __len__(self) -> int:
        return len(self._attempts)

    def __iter__(self) -> Iterator[Sent]:
        return iter(list(self._bundles.values()))

    def add(self, sent: Sent, *, counted: bool = False) -> None:
        """A bundle was pushed. `counted`: its node says already all that it takes."""
        self._bundles[sent.id] = sent
        self._tasks[sent.task] += 1
        self._nodes.setdefault(sent.node, {})[sent.id] = sent
        if not counted:
            self._changed.add(sent.node)
        for attempt, item in sent.open.items():
            self._attempts[attempt] = sent
            self._copies.setdefault(item.subtask, set()).add(attempt)
            if item.key:
                self._keys[item.key] = self._keys.get(item.key, 0) + 1

    def bundle(self, bundle: str) -> Sent | None:
        """The bundle of that id, if any of it is in flight."""
        return self._bundles.get(bundle)

    def find(self, attempt: int, node: str, incarnation: str) -> tuple[Sent, Ready] | None:
        """The open attempt, if it was sent to this start of this node."""
        sent = self._attempts.get(attempt)
        if sent is None or (sent.node, sent.incarnation) != (node, incarnation):
            return None
        return sent, sent.open[attempt]

    def of_attempt(self, attempt: int) -> Sent | None:
        """The bundle in which an open attempt travels."""
        return self._attempts.get(attempt)

    def close(self, attempt: int) -> Ready | None:
        """An attempt came back; its subtask, or None if it had already."""
        sent = self._attempts.pop(attempt, None)
        if sent is None:
            return None
        item = sent.open.pop(attempt)
        copies = self._copies[item.subtask]
        copies.discard(attempt)
        if not copies:
            del self._copies[item.subtask]
        if item.key:
            self._land(item.key)
        if not sent.open:
            del self._bundles[sent.id]
            del self._nodes[sent.node][sent.id]
            self._changed.add(sent.node)
            self._tasks[sent.task] -= 1
        return item

    def holds(self, subtask: int) -> bool:
        """Whether some attempt of the subtask is in flight."""
        return subtask in self._copies

    def _land(self, key: str) -> None:
        self._keys[key] -= 1
        if not self._keys[key]:
            del self._keys[key]

    def flies(self, key: str) -> bool:
        """Whether a subtask whose result has that name is in flight."""
        return key in self._keys

    def copies(self, subtask: int) -> frozenset[int]:
        """The attempts of the subtask that are in flight; more than one while it is doubled."""
        return frozenset(self._copies.get(subtask, ()))

    def on(self, node: str) -> list[Sent]:
        """The bundles sent to a node, oldest first."""
        return list(self._nodes.get(node, {}).values())

    def count(self) -> int:
        """How many bundles there are."""
        return len(self._bundles)

    def count_on(self, node: str) -> int:
        """How many bundles a node has."""
        return len(self._nodes.get(node, ()))

    def changed(self) -> set[str]:
        """The nodes whose bundles are not those that they were when this was asked last."""
        changed, self._changed = self._changed, set()
        return changed

    def nodes(self) -> list[str]:
        """The nodes that have bundles."""
        return [node for node, bundles in self._nodes.items() if bundles]

    def busy(self, task: str) -> int:
        """How many slots work on a task, or soon will."""
        return self._tasks[task]

    def of_job(self, job: str) -> list[Sent]:
        """The bundles of a job."""
        return [sent for sent in self._bundles.values() if sent.job == job]
