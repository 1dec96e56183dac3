"""Everything that a slot's process and its children print, in one file that is read as it grows.

The file stands in for the descriptors 1 and 2, so that programs which a task starts and libraries
in C are heard too, and nobody who writes ever waits for a reader. It is put there once in the life
of a slot: an item that prints nothing costs one system call.
"""

import io
import logging
import os
import sys
import tempfile
from types import TracebackType
from typing import TextIO

#: So much is read at once, and a larger file is emptied once it was read. What is written in
#: between is lost, and would have been cut: far more than a log holds was written before it.
ROOM_BYTES = 1024 * 1024
STDOUT, STDERR = 1, 2
#: Who speaks for the Spore, and not for the task that it runs.
OWN_LOGGERS = ("jobs.spore", "nodes.", "hive_site.", "rq.")


class Capture:
    """A context: as long as it lasts, what is printed goes here, and the Spore's own log where it
    went before."""

    def __init__(self) -> None:
        self._file = _open_file()
        self._read = 0
        self._out, self._err = _writer(self._file), _writer(self._file)
        self._moved: list[tuple[logging.StreamHandler[TextIO], TextIO]] = []
        self._listener = _TaskLines(self._err)

    def __enter__(self) -> "Capture":
        self._before = sys.stdout, sys.stderr
        for stream in self._before:
            stream.flush()
        self._kept = os.dup(STDOUT), os.dup(STDERR)
        own = open(self._kept[1], "w", buffering=1, errors="backslashreplace", closefd=False)
        self._move_handlers(own)
        os.dup2(self._file, STDOUT)
        os.dup2(self._file, STDERR)
        sys.stdout, sys.stderr = self._out, self._err
        logging.root.addHandler(self._listener)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        logging.root.removeHandler(self._listener)
        self._flush()
        sys.stdout, sys.stderr = self._before
        for kept, place in zip(self._kept, (STDOUT, STDERR), strict=True):
            os.dup2(kept, place)
        for handler, stream in self._moved:
            handler.setStream(stream)
        for file in (*self._kept, self._file):
            os.close(file)

    def say(self, line: str) -> None:
        """Print a line for a task, wherever it sends what it prints itself."""
        self._out.write(f"{line}\n")

    def take(self) -> bytes:
        """What was printed since the last time, or the beginning of it if it is much."""
        self._flush()
        size = os.lseek(self._file, 0, os.SEEK_END)
        if size <= self._read:
            return b""
        data = os.pread(self._file, min(size - self._read, ROOM_BYTES), self._read)
        self._read += len(data)
        if self._read >= max(size, ROOM_BYTES):
            os.ftruncate(self._file, 0)
            self._read = 0
        return data

    def _flush(self) -> None:
        self._out.flush()
        self._err.flush()

    def _move_handlers(self, own: TextIO) -> None:
        loggers = [logging.root, *logging.root.manager.loggerDict.values()]
        for handler in {h for each in loggers for h in getattr(each, "handlers", ())}:
            if isinstance(handler, logging.StreamHandler) and handler.stream in self._before:
                self._moved.append((handler, handler.stream))
                handler.setStream(own)


class _TaskLines(logging.Handler):
    """What tasks and their libraries log belongs to what they print."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream
        self.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """Print a record, unless the Spore speaks."""
        if not record.name.startswith(OWN_LOGGERS):
            self._stream.write(f"{self.format(record)}\n")


def _open_file() -> int:
    """A file in memory, where there are such; every write goes to its end."""
    if hasattr(os, "memfd_create"):
        file = os.memfd_create("output", os.MFD_CLOEXEC)
    else:
        with tempfile.TemporaryFile() as unnamed:
            file = os.dup(unnamed.fileno())
    import fcntl

    fcntl.fcntl(file, fcntl.F_SETFL, fcntl.fcntl(file, fcntl.F_GETFL) | os.O_APPEND)
    return file


def _writer(file: int) -> io.TextIOWrapper:
    """Text goes out line by line, so that lines of both streams keep their order."""
    raw = open(file, "ab", closefd=False)  # noqa: SIM115
    return io.TextIOWrapper(raw, "utf-8", errors="backslashreplace", line_buffering=True)
