"""The grid of one job: read whole once, and from then on only what changed.

What ended is found by the transaction that recorded it, what is under way by its state, and what
a slot has in hand just now by the Foreman's picture, which knows it before the database does.
"""

from collections.abc import Collection, Iterable

from django.db.models import OuterRef, QuerySet, Subquery

from jobs.astir import IS_ASTIR
from jobs.domain.grid import BYTES, draw
from jobs.domain.states import ASTIR, TERMINAL, Role, SubtaskState
from jobs.models import Job, Subtask

ROWS_AT_ONCE = 20_000
#: If more than this share of a job ended since the last look, all of it is read.
MOST_ENDED = 8
INDEXES_AT_ONCE = 500
RUNNING = BYTES[SubtaskState.RUNNING]
#: What a slot may have in hand before the database says so.
MAY_RUN = frozenset(BYTES[state] for state in ASTIR | {SubtaskState.WAITING})
ENDED = sorted(BYTES[state] for state in TERMINAL)
#: The last transaction that ended a subtask of a job; the condition is the index's.
LAST_ENDED = Subquery(
    Subtask.objects.filter(job_id=OuterRef("pk"), seq__gt=0).order_by("-seq").values("seq")[:1]
)


class JobGrid:
    """One byte per item of a job."""

    def __init__(self, job_id: str) -> None:
        self._job_id = job_id
        self._cells = bytearray()
        #: What is shown: the same, but for what slots have in hand.
        self._shown = bytearray()
        self._seq, self._doubts = 0, 0
        #: The cells of one round are never set back; None before the first look.
        self._round: tuple[object, ...] | None = None
        self._astir: set[int] = set()
        self._in_hand: set[int] = set()

    def read(self, job: Job, in_hand: Collection[int]) -> dict[int, int] | None:
        """Which bytes changed since the last look, by index; None if all may have.

        `job` has `last_ended`, of the same moment as its counters. `in_hand`: what slots work on.
        """
        round_ = (job.rounds, job.ready_at, job.total)
        goes_on = round_ == self._round and self._doubts < 2
        touched = self._read_ended(job) if goes_on else None
        if touched is None:
            self._read_all(job)
            self._round = round_
        found = (touched or set()) | self._read_astir(touched or set())
        self._doubts = 0 if touched is None or self._adds_up(job) else self._doubts + 1
        changed = self._show({index for index in in_hand if index < len(self._cells)}, found)
        return None if touched is None else changed

    @property
    def shown(self) -> bytes:
        """All bytes."""
        return bytes(self._shown)

    def count(self) -> dict[str, int]:
        """How many are shown in each state that is."""
        counts = {str(state): self._shown.count(byte) for state, byte in BYTES.items()}
        return {state: count for state, count in counts.items() if count}

    def _rows(self) -> QuerySet[Subtask]:
        return Subtask.objects.filter(job_id=self._job_id, role=Role.MAP)

    def _read_all(self, job: Job) -> None:
        # What ends meanwhile is behind `last_ended`, and is read once more.
        self._seq, cells = job.last_ended or 0, bytearray()
        rows = self._rows().order_by("index").values_list("state", flat=True)
        while states := list(rows.filter(index__gte=len(cells))[:ROWS_AT_ONCE]):
            cells += draw(states)
        self._cells, self._shown = cells, bytearray(cells)
        self._astir, self._in_hand = set(), set()

    def _read_ended(self, job: Job) -> set[int] | None:
        """Take in what ended since the last look; None if that is so much that all is read."""
        newest = job.last_ended or 0
        if newest < self._seq:
            return None
        if newest == self._seq:
            return set()
        most = len(self._cells) // MOST_ENDED + 1
        rows = self._rows().filter(seq__gt=self._seq, seq__lte=newest)
        found = list(rows.values_list("index", "state")[: most + 1])
        if len(found) > most:
            return None
        self._seq = newest
        return self._take(found)

    def _read_astir(self, ended: set[int]) -> set[int]:
        """Take in what is under way, and what became of that which was."""
        rows = self._rows().filter(IS_ASTIR)
        found = dict(rows.values_list("index", "state"))
        left, self._astir = self._astir - found.keys() - ended, set(found)
        for start in range(0, len(left), INDEXES_AT_ONCE):
            some = sorted(left)[start : start + INDEXES_AT_ONCE]
            found |= self._rows().filter(index__in=some).values_list("index", "state")
        return self._take(found.items())

    def _take(self, rows: Iterable[tuple[int, str]]) -> set[int]:
        """Take states in, by index; of which indexes."""
        rows = list(rows)
        for (index, _), byte in zip(rows, draw(state for _, state in rows), strict=True):
            self._cells[index] = byte
        return {index for index, _ in rows}

    def _adds_up(self, job: Job) -> bool:
        """Whether as many have ended here as the job says: what was given another chance leaves
        no other trace."""
        ended = sum(self._cells.count(byte) for byte in ENDED)
        return ended == job.succeeded + job.failed + job.cancelled

    def _show(self, in_hand: set[int], touched: set[int]) -> dict[int, int]:
        changed = {}
        for index in touched | in_hand | self._in_hand:
            byte = self._cells[index]
            if index in in_hand and byte in MAY_RUN:
                byte = RUNNING
            if byte != self._shown[index]:
                self._shown[index] = changed[index] = byte
        self._in_hand = in_hand
        return changed
