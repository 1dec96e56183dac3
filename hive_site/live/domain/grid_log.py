"""The bytes of a job's grid, and which of them changed lately."""

from collections import deque
from collections.abc import Mapping

#: Beyond this share of all cells, the whole is shorter than the changes.
WORTH_TELLING = 8


class GridLog:
    """One byte per subtask. A reader is told the newest byte of each that changed, or all."""

    def __init__(self, cells: bytes = b"", *, at: int = 0) -> None:
        """`at` is the number as of which these are all there is."""
        self._cells = bytearray(cells)
        self._steps: deque[tuple[int, dict[int, int]]] = deque()
        self._length, self._forgotten = 0, at

    @property
    def cells(self) -> bytes:
        """All bytes, in the order of their indexes."""
        return bytes(self._cells)

    def __len__(self) -> int:
        return len(self._cells)

    def __getitem__(self, index: int) -> int:
        return self._cells[index]

    def count(self, byte: int) -> int:
        """How many cells show this byte."""
        return self._cells.count(byte)

    def write(self, cells: Mapping[int, int], *, at: int) -> bool:
        """Set bytes by their indexes, as of number `at`; False if nothing changed."""
        new = {index: byte for index, byte in cells.items() if self._cells[index] != byte}
        if not new:
            return False
        for index, byte in new.items():
            self._cells[index] = byte
        self._steps.append((at, new))
        self._length += len(new)
        while self._length * WORTH_TELLING > len(self._cells) and self._steps:
            self._forgotten, forgotten = self._steps.popleft()
            self._length -= len(forgotten)
        return True

    def since(self, seq: int) -> dict[int, int] | None:
        """The bytes that changed after number `seq`, by index; None if it takes the whole."""
        if seq < self._forgotten or seq <= 0:
            return None
        found: dict[int, int] = {}
        for at, cells in self._steps:
            if at > seq:
                found |= cells
        return found
