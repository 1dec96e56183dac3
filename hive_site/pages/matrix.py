"""The matrix of nodes: a cell for each, in groups. js/matrix.js decides in the same way. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from packaging.version import InvalidVersion, Version

from nodes.domain.states import PRESENT

COLOURS = ("state", "cpu", "memory", "version")
#: With more nodes than this there is one cell for a group.
MOST_CELLS = 2_000
#: So many labels are offered to group by: those that most nodes have.
MOST_LABELS = 6
#: Loads are told apart in so many steps; of releases the newest so many have their own colour.
LEVELS, RANKS = 5, 5
#: Who most needs somebody comes first: a group's one cell has the colour of that.
GRAVITY = ("lost", "quarantined", "suspect", "draining", "cordoned", "updating", "online")
WITHOUT = "without"

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Cell:
    """One node as it is drawn."""

    name: str
    row: Row
    level: int | None
    rank: int | None


@dataclass(frozen=True, slots=True)
class Group:
    """Nodes with the same value of a label. Slots are those of the nodes that are there."""

    name: str
    cells: list[Cell]
    slots: int
    busy: int
    state: str

    @property
    def share(self) -> float:
        """How much of its slots is busy."""
        return self.busy / self.slots if self.slots else 0.0


def draw(rows: Mapping[str, Row], *, label: str, colour: str) -> list[Group]:
    """The groups by name, those without the label last; one group of all without a label."""
    ranks = rank_releases(row["release"] for row in rows.values())
    groups: dict[str, list[Cell]] = defaultdict(list)
    for name in sorted(rows):
        row = rows[name]
        level = level_of(row[colour]) if colour in ("cpu", "memory") else None
        rank = ranks[row["release"]] if colour == "version" else None
        groups[_value(row, label)].append(Cell(name, row, level, rank))
    names = sorted(groups, key=lambda name: (name == WITHOUT, name))
    return [_group(name, groups[name]) for name in names]


def labels_of(rows: Mapping[str, Row]) -> list[str]:
    """The labels by which grouping tells something, those of most nodes first."""
    counts = Counter(label for row in rows.values() for label in row["labels"])
    return [label for label, _ in counts.most_common(MOST_LABELS)]


def count_states(rows: Mapping[str, Row]) -> list[tuple[str, int]]:
    """How many nodes are in each state, the gravest first."""
    counts = Counter(row["state"] for row in rows.values())
    return sorted(counts.items(), key=lambda each: gravity(each[0]))


def rank_releases(releases: Iterable[str]) -> dict[str, int]:
    """The place of each release, 0 for the newest; all old ones share the last place."""
    ordered = sorted(set(releases), key=_age, reverse=True)
    return {release: min(n, RANKS - 1) for n, release in enumerate(ordered)}


def level_of(load: float) -> int:
    """The step of a load from 0 to 1."""
    return min(int(load * LEVELS), LEVELS - 1)


def gravity(state: str) -> int:
    """How little a state needs somebody."""
    return GRAVITY.index(state) if state in GRAVITY else len(GRAVITY)


def _group(name: str, cells: list[Cell]) -> Group:
    there = [cell.row for cell in cells if cell.row["state"] in PRESENT]
    return Group(
        name=name,
        cells=cells,
        slots=sum(row["slots"] for row in there),
        busy=sum(row["running"] for row in there),
        state=min((cell.row["state"] for cell in cells), key=gravity),
    )


def _value(row: Row, label: str) -> str:
    return str(row["labels"].get(label, WITHOUT)) if label else ""


def _age(release: str) -> tuple[bool, Version, str]:
    try:
        return True, Version(release), release
    except InvalidVersion:
        return False, Version("0"), release
