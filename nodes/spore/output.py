"""One file for all that a slot's process and its children print.

The agent opens one for each process before it forks it, and how much was told of it stands on the
board: when the process dies, the agent tells the rest and shuts the file.
"""

import fcntl
import os
import tempfile
import weakref
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING

from nodes.domain.transcript import HEAD_BYTES, TAIL_BYTES, begin, close

if TYPE_CHECKING:
    from nodes.spore.board import Register

#: Of more than this only the end is kept: whoever prints without end fills no memory.
MOST_BYTES = 16 * 1024 * 1024


class Output:
    """What one attempt after the other prints. Written by anybody, told by one at a time.

    The register holds how many of the file's bytes were told, how many may still be told before
    the attempt is over, and how many were cut.
    """

    def __init__(
        self,
        register: "Register",
        *,
        head: int = HEAD_BYTES,
        tail: int = TAIL_BYTES,
        most: int = MOST_BYTES,
    ) -> None:
        self._register = register
        self._head, self._tail, self._most = head, tail, most

    @cached_property
    def file(self) -> int:
        """Its descriptor; whoever forks has to look before."""
        file = _open_file()
        self._closer = weakref.finalize(self, os.close, file)
        self._closer.atexit = False
        return file

    def renew(self) -> None:
        """Start with a file of its own for the slot's next process. Only the agent calls this."""
        self.shut()
        self.skip()

    def shut(self) -> None:
        """The slot's process is no more, and all was told. Only the agent calls this.

        What the process left behind cannot print any more: nobody would keep that in bounds.
        """
        if "file" in self.__dict__:
            _empty_for_good(self.file)
            self._closer()
            del self.file

    def write(self, text: str) -> None:
        """Print, wherever the streams of this process go."""
        os.write(self.file, text.encode(errors="backslashreplace"))

    def skip(self) -> bool:
        """What was printed up to now is nobody's: an attempt starts, or none runs.

        True if anything was.
        """
        printed = bool(self._size())
        if printed:
            os.ftruncate(self.file, 0)
        fresh = (0, self._head, 0)
        if self._register.read() != fresh:
            self._register.write(*fresh)
        return printed

    def take(self) -> str:
        """What can be told by now and was not; nothing behind the beginning that is kept."""
        told, left, cut = self._register.read()
        if self._size() <= told:
            return ""
        text, taken = begin(self._read(told, left))
        told, left = told + taken, left - taken
        self._register.write(told, left, cut)
        self._bound(told, left, cut)
        return text

    def rest(self) -> str:
        """The attempt is over: the end of what was not told."""
        told, left, cut = self._register.read()
        size = self._size()
        if size <= told and not cut:
            return ""
        start = max(told, size - self._tail - left)
        data = self._read(start, size - start)
        self._register.write(size, 0, 0)
        return close(data, cut=cut + start - told)

    def _bound(self, told: int, left: int, cut: int) -> None:
        size = self._size()
        if size - told <= self._most:
            return
        end = self._read(size - self._tail, self._tail)
        # What is written in between is lost, and would have been cut.
        os.ftruncate(self.file, 0)
        self._register.write(0, left, cut + size - told - len(end))
        os.write(self.file, end)

    def _read(self, start: int, most: int) -> bytes:
        return os.pread(self.file, most, start) if most > 0 else b""

    def _size(self) -> int:
        return os.lseek(self.file, 0, os.SEEK_END)


def _open_file() -> int:
    """A file in memory, where there are such; every write goes to its end."""
    if hasattr(os, "memfd_create"):
        file = os.memfd_create("output", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    else:
        with tempfile.TemporaryFile() as unnamed:
            file = os.dup(unnamed.fileno())
    fcntl.fcntl(file, fcntl.F_SETFL, fcntl.fcntl(file, fcntl.F_GETFL) | os.O_APPEND)
    return file


def _empty_for_good(file: int) -> None:
    """Free what it holds, whoever has it open still; only a file in memory can be kept empty."""
    # Not if a task sealed it: that must not end the agent.
    with suppress(OSError):
        if hasattr(os, "memfd_create"):
            fcntl.fcntl(file, fcntl.F_ADD_SEALS, fcntl.F_SEAL_GROW)
        os.ftruncate(file, 0)
