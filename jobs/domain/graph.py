"""What waits for what: cycles, an order, and what the ends of its parents mean for a job."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from jobs.domain.states import JOB_OPEN, JobState

#: A child, its parent, and what the child calls it.
Tie = tuple[str, str, str]


class Feed(StrEnum):
    """What a job takes of a parent's results."""

    NOTHING = ""
    INPUT = "input"  # quoted somewhere in its items or keyword arguments
    ITEMS = "items"  # the list of its items


class Fate(StrEnum):
    """What becomes of a blocked job."""

    WAIT = "wait"
    GO = "go"
    FAIL = "fail"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class Bond:
    """One parent of a job, as it is now; its `state` is None once it was deleted."""

    parent: str
    name: str = ""
    allow_failure: bool = False
    feeds: Feed = Feed.NOTHING
    state: JobState | None = None

    @property
    def label(self) -> str:
        """What people call the parent."""
        return f"{self.name} ({self.parent})" if self.name else self.parent

    @property
    def fate(self) -> Fate:
        """What this parent alone means for the job."""
        if self.state in JOB_OPEN:
            return Fate.WAIT
        if self.allow_failure or self.state is JobState.SUCCEEDED:
            return Fate.GO
        return Fate.CANCEL if self.state is JobState.CANCELLED else Fate.FAIL


def decide(bonds: Iterable[Bond]) -> tuple[Fate, Bond | None]:
    """What becomes of a job, with the parent that ends it if one does.

    One that failed decides at once, whatever the others are still at; a failure goes before a
    cancellation.
    """
    rows = list(bonds)
    for fate in (Fate.FAIL, Fate.CANCEL, Fate.WAIT):
        for bond in rows:
            if bond.fate is fate:
                return fate, None if fate is Fate.WAIT else bond
    return Fate.GO, None


def end_with(culprit: Bond) -> JobState:
    """How a job ends because of a parent."""
    return JobState.CANCELLED if culprit.fate is Fate.CANCEL else JobState.FAILED


def doom(ended: Mapping[str, JobState], ties: Iterable[Tie]) -> dict[str, Bond]:
    """Who ends because of these jobs, none of which succeeded, and because of those in turn.

    Each with the parent that ends it, and behind it. `ties` are of children that need their
    parent.
    """
    needed: dict[str, list[tuple[str, str]]] = {}
    for child, parent, name in ties:
        needed.setdefault(parent, []).append((child, name))
    culprits: dict[str, Bond] = {}
    wave = dict(ended)
    while wave:
        bonds: dict[str, list[Bond]] = {}
        for parent, state in wave.items():
            for child, name in needed.get(parent, ()):
                if child not in culprits:
                    bonds.setdefault(child, []).append(Bond(parent, name, state=state))
        found = {child: bond for child, its in bonds.items() if (bond := decide(its)[1])}
        culprits |= found
        wave = {child: end_with(bond) for child, bond in found.items()}
    return culprits


def in_order(after: Mapping[str, Sequence[str]]) -> list[str]:
    """The names so that each comes after its parents, and otherwise as they were given.

    Whatever is part of a cycle, or waits for one, is left out. Parents that are no key count as
    done.
    """
    missing = {name: {p for p in parents if p in after} for name, parents in after.items()}
    children: dict[str, list[str]] = {name: [] for name in after}
    for name, parents in missing.items():
        for parent in parents:
            children[parent].append(name)
    order = [name for name, parents in missing.items() if not parents]
    for name in order:  # grows as we go
        for child in children[name]:
            missing[child].discard(name)
            if not missing[child]:
                order.append(child)
    return order


def find_cycle(after: Mapping[str, Sequence[str]]) -> list[str]:
    """Names of which each waits for the next, and the last is the first; empty if there are none.

    The cycle is the one that is met first from the first name that can never start.
    """
    stuck = set(after).difference(in_order(after))
    if not stuck:
        return []
    name = next(name for name in after if name in stuck)
    path: dict[str, int] = {}
    while name not in path:
        path[name] = len(path)
        name = next(parent for parent in after[name] if parent in stuck)
    return [*list(path)[path[name] :], name]


def sum_up(states: Iterable[JobState | str]) -> str:
    """The state of a whole workflow: running, or how it ended."""
    seen = set(states)
    if seen & JOB_OPEN:
        return "running"
    if seen <= {JobState.SUCCEEDED}:
        return "succeeded"
    if not seen & {JobState.FAILED, JobState.PARTIAL}:
        return "cancelled"
    return "partial" if seen & {JobState.SUCCEEDED, JobState.PARTIAL} else "failed"
