"""Shared memory between the agent and its slots: what each slot is doing right now.

One writer for each half of a cell. A slot writes its half under a version number that is odd
while it writes (a seqlock); the agent writes the order half, which is a single small struct.
"""

import mmap
import struct
from dataclasses import dataclass

WORK = struct.Struct("=q i q d d d 64s 48s 96s")  # version, busy, attempt, start, limit, progress
ORDER = struct.Struct("=q i")  # attempt, what
CLOCK = struct.Struct("=d i")  # offset to Redis's clock, stopping
CELL_BYTES = 512
ORDER_AT = 384

NONE, CANCEL, TIMEOUT = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Work:
    """What a slot is doing. `started` and `limit` are on this machine's monotonic clock."""

    busy: bool = False
    attempt: int = 0
    started: float = 0.0
    limit: float = 0.0
    progress: float = 0.0
    bundle: str = ""
    stop_token: str = ""
    message: str = ""


IDLE = Work()


class Cell:
    """One slot's part of the board."""

    def __init__(self, memory: mmap.mmap, offset: int) -> None:
        self._memory = memory
        self._offset = offset
        self._version = 0

    def write(self, work: Work) -> None:
        """Show what the slot does now. Only the slot calls this."""
        self._version += 2
        self._pack(self._version - 1, work)
        self._pack(self._version, work)

    def read(self) -> Work:
        """What the slot does now; the last whole state if it is writing just now."""
        for _ in range(5):
            before = WORK.unpack_from(self._memory, self._offset)
            again = WORK.unpack_from(self._memory, self._offset)
            if before == again and before[0] % 2 == 0:
                break
        _, busy, attempt, started, limit, progress, *texts = before
        bundle, stop_token, message = (t.rstrip(b"\0").decode(errors="replace") for t in texts)
        return Work(bool(busy), attempt, started, limit, progress, bundle, stop_token, message)

    def clear(self) -> None:
        """Idle, without orders. The agent calls it before a new slot starts."""
        self._version = 0
        self._pack(0, IDLE)
        self.order(0, NONE)

    def order(self, attempt: int, what: int) -> None:
        """Tell the slot to end this attempt. Only the agent calls this."""
        ORDER.pack_into(self._memory, self._offset + ORDER_AT, attempt, what)

    def ordered(self, attempt: int) -> int:
        """What the agent wants of this attempt: NONE, CANCEL or TIMEOUT."""
        about, what = ORDER.unpack_from(self._memory, self._offset + ORDER_AT)
        return what if about == attempt else NONE

    def _pack(self, version: int, work: Work) -> None:
        WORK.pack_into(
            self._memory,
            self._offset,
            version,
            work.busy,
            work.attempt,
            work.started,
            work.limit,
            work.progress,
            work.bundle.encode()[:64],
            work.stop_token.encode()[:48],
            work.message.encode(errors="replace")[:96],  # a task may say anything
        )


class Board:
    """Room for `cells` slots, inherited by every process that the agent forks."""

    def __init__(self, cells: int) -> None:
        self._memory = mmap.mmap(-1, CELL_BYTES * (cells + 1))
        self._cells = [Cell(self._memory, CELL_BYTES * (n + 1)) for n in range(cells)]

    def __len__(self) -> int:
        return len(self._cells)

    def __getitem__(self, index: int) -> Cell:
        return self._cells[index]

    def set_clock(self, *, offset_seconds: float, stopping: bool) -> None:
        """Share the offset to Redis's clock and whether slots should end after their item."""
        CLOCK.pack_into(self._memory, 0, offset_seconds, stopping)

    def clock(self) -> tuple[float, bool]:
        """The offset to Redis's clock in seconds, and whether slots should end."""
        offset, stopping = CLOCK.unpack_from(self._memory, 0)
        return offset, bool(stopping)
