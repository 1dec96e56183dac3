"""Shared memory between the agent and its slots: what each slot is doing right now.

Every register has one writer: a slot its work, the agent its orders and the clock.
"""

import mmap
import struct
import threading
from dataclasses import dataclass, replace
from math import inf
from typing import Any

from nodes.spore.gate import Gate
from nodes.spore.output import Output

# busy, careful, attempt, started, limit, progress, bundle, stop token, message
WORK = struct.Struct("=? ? q d d d 64s 48s 96s")
ORDER = struct.Struct("=q i")  # attempt, what
TASKS = struct.Struct("=32s")  # digest of the names of tasks
OUTPUT = struct.Struct("=q q q")  # bytes told, bytes that may be told, bytes cut
CLOCK = struct.Struct("=d ?")  # offset to Redis's clock, stopping
LIVE = struct.Struct("=d")  # since when the agent beats, on Redis's clock
RETIRED = struct.Struct("=?")
CELL_BYTES = 1024
ORDER_AT, TASKS_AT, OUTPUT_AT, RETIRED_AT = 768, 832, 928, 992
LIVE_AT = 64

#: Why an attempt is ended before its time.
NONE, CANCEL, TIMEOUT, FENCE, MEMORY, HANDOVER = range(6)


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
    #: It must not run twice, so it is ended when this machine is cut off.
    careful: bool = False


IDLE = Work()


class Register:
    """A struct that readers see whole, even if its writer is killed while it writes.

    There are two copies and a byte that counts writes: it tells which copy is the whole one, and
    it changes only once the other copy is complete.
    """

    def __init__(self, memory: mmap.mmap, offset: int, layout: struct.Struct) -> None:
        self._memory, self._offset, self._layout = memory, offset, layout

    def write(self, *values: Any) -> None:
        """Replace the whole value."""
        turn = (self._memory[self._offset] + 1) % 256
        self._layout.pack_into(self._memory, self._copy(turn), *values)
        self._memory[self._offset] = turn

    def read(self) -> tuple[Any, ...]:
        """The last whole value."""
        while True:
            turn = self._memory[self._offset]
            values = self._layout.unpack_from(self._memory, self._copy(turn))
            if self._memory[self._offset] == turn:
                return values

    def _copy(self, turn: int) -> int:
        return self._offset + 1 + turn % 2 * self._layout.size


class Cell:
    """One slot's part of the board."""

    def __init__(self, memory: mmap.mmap, offset: int) -> None:
        self._work = Register(memory, offset, WORK)
        self._order = Register(memory, offset + ORDER_AT, ORDER)
        self._tasks = Register(memory, offset + TASKS_AT, TASKS)
        self._retired = Register(memory, offset + RETIRED_AT, RETIRED)
        #: What the slot prints; told by the slot, and by the agent once it is dead.
        self.output = Output(Register(memory, offset + OUTPUT_AT, OUTPUT))
        # Between threads of the slot: those that a task leaves behind write as well.
        self._lock = threading.Lock()

    def write(self, work: Work) -> None:
        """Show what the slot does now. Only the slot calls this."""
        with self._lock:
            self._write(work)

    def amend(self, attempt: int, **changes: Any) -> None:
        """Show more of an attempt, unless it is over by now. Only the slot calls this."""
        with self._lock:
            if (work := self.read()).attempt == attempt:
                self._write(replace(work, **changes))

    def _write(self, work: Work) -> None:
        self._work.write(
            work.busy,
            work.careful,
            work.attempt,
            work.started,
            work.limit,
            work.progress,
            work.bundle.encode()[:64],
            work.stop_token.encode()[:48],
            work.message.encode(errors="replace")[:96],
        )

    def read(self) -> Work:
        """What the slot does now."""
        busy, careful, *figures, bundle, token, message = self._work.read()
        # The end of a message may have been cut within a letter.
        texts = (t.rstrip(b"\0").decode(errors="ignore") for t in (bundle, token, message))
        return Work(busy, *figures, *texts, careful)

    def show_tasks(self, digest: str) -> None:
        """Show which tasks the slot has loaded. Only the slot calls this."""
        self._tasks.write(digest.encode()[:32])

    def tasks(self) -> str:
        """The digest of the tasks that the slot has loaded; empty before it has."""
        (digest,) = self._tasks.read()
        return str(digest.rstrip(b"\0").decode(errors="ignore"))

    def clear(self) -> None:
        """Idle, no orders, a fresh output. The agent calls it before a new slot starts."""
        self.write(IDLE)
        self.show_tasks("")
        self.order(0, NONE)
        self._retired.write(False)
        self.output.renew()

    def retire(self) -> None:
        """Let the slot end after its bundle. Only the agent calls this."""
        self._retired.write(True)

    def is_retired(self) -> bool:
        """Whether the slot is to end after its bundle."""
        return bool(self._retired.read()[0])

    def order(self, attempt: int, what: int) -> None:
        """Tell the slot to end this attempt. Only the agent calls this."""
        self._order.write(attempt, what)

    def ordered(self, attempt: int) -> int:
        """What the agent wants of this attempt: NONE, CANCEL or TIMEOUT."""
        about, what = self._order.read()
        return int(what) if about == attempt else NONE


class Board:
    """Room for `cells` slots, inherited by every process that the agent forks."""

    def __init__(self, cells: int, *, gated: bool = False) -> None:
        """`gated`: slots load their tasks and then wait until the gate is opened."""
        memory = mmap.mmap(-1, CELL_BYTES * (cells + 1))
        self.gate = Gate(shut=gated)
        self._clock = Register(memory, 0, CLOCK)
        self._live = Register(memory, LIVE_AT, LIVE)
        self.set_live(inf if gated else 0.0)
        self._cells = [Cell(memory, CELL_BYTES * (n + 1)) for n in range(cells)]

    def __len__(self) -> int:
        return len(self._cells)

    def __getitem__(self, index: int) -> Cell:
        return self._cells[index]

    def set_clock(self, *, offset_seconds: float, stopping: bool) -> None:
        """Share the offset to Redis's clock and whether slots should end after their item."""
        self._clock.write(offset_seconds, stopping)

    def clock(self) -> tuple[float, bool]:
        """The offset to Redis's clock in seconds, and whether slots should end."""
        offset, stopping = self._clock.read()
        return offset, stopping

    def set_live(self, at: float) -> None:
        """Share since when others can know what this start can run, on Redis's clock."""
        self._live.write(at)

    def live(self) -> float:
        """Since when others can know what this start can run: 0 if it always was so."""
        return float(self._live.read()[0])
