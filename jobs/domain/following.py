"""Where a follower of a job has got to, and how what was recorded is put in one order.

Everything recorded for a job has a position: the number of the transaction that wrote it, then
what it is, then its row. Positions only grow, so that one of them says all about a follower.
"""

import heapq
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

TEXT = re.compile(r"(\d{1,19})\.(\d)\.(\d{1,19})", re.ASCII)
#: No database counts further.
MOST = 2**63 - 1


class Kind(IntEnum):
    """What is recorded, in the order in which one transaction's records are told."""

    LOG = 1
    PARTIAL = 2
    RESULT = 3


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a job's records. `key` is the row's id."""

    seq: int = 0
    rank: int = 0
    key: int = 0

    @classmethod
    def parse(cls, text: str) -> "Position":
        """The position that was written so. Raises `ValueError` for anything else."""
        found = TEXT.fullmatch(text)
        numbers = [int(part) for part in found.groups()] if found else []
        if not numbers or max(numbers) > MOST:
            raise ValueError(f"{text!r} is no position")
        return cls(*numbers)

    def __str__(self) -> str:
        return f"{self.seq}.{self.rank}.{self.key}"

    def behind(self, kind: Kind) -> tuple[int, int]:
        """From which transaction on rows of a kind follow, and in that one behind which row."""
        if kind < self.rank:
            return min(self.seq + 1, MOST), 0
        return self.seq, self.key if kind == self.rank else 0


@dataclass(frozen=True, slots=True)
class Record:
    """One row as followers see it; `data` is JSON text."""

    position: Position
    data: str

    @property
    def kind(self) -> Kind:
        """What it is."""
        return Kind(self.position.rank)


@dataclass(frozen=True, slots=True)
class Reading:
    """Rows of one kind in their order; `whole` if there are no more of them for now."""

    records: Sequence[Record]
    whole: bool


def merge(readings: Sequence[Reading]) -> Reading:
    """The rows of all kinds in one order, up to the first of which a part was not read."""
    ends = [r.records[-1].position for r in readings if r.records and not r.whole]
    whole = all(reading.whole for reading in readings)
    rows = heapq.merge(*(r.records for r in readings), key=lambda record: record.position)
    if not ends:
        return Reading(list(rows), whole)
    last = min(ends)
    return Reading([record for record in rows if record.position <= last], whole)
