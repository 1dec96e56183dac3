"""Everything that a slot's process and its children print, in one file that is read as it grows.

The file stands in for the descriptors 1 and 2, so that programs which a task starts and libraries
in C are heard too, and nobody who writes ever waits for a reader. It is put there once in the life
of a slot: an item that prints nothing costs a few system calls.
"""

import io
import logging
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import TextIO

from nodes.spore.output import Output

STDOUT, STDERR = 1, 2
#: What a stream raises that somebody closed or took apart, or that cannot write.
BROKEN = (ValueError, OSError)
#: Who speaks for the Spore, and not for the task that it runs.
OWN_LOGGERS = ("jobs.spore", "nodes.", "hive_site.", "rq.", "opentelemetry.", "sentry_sdk")


class Capture:
    """A context: as long as it lasts, what is printed goes here, and the Spore's own log where it
    went before."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._streams = {name: _writer(output.file) for name in ("stdout", "stderr")}
        self._moved: list[tuple[logging.StreamHandler[TextIO], TextIO]] = []
        self._listener = _TaskLines(output.write)

    def __enter__(self) -> "Capture":
        self._before = sys.stdout, sys.stderr
        for stream in self._before:
            stream.flush()
        self._kept = os.dup(STDOUT), os.dup(STDERR)
        own = open(self._kept[1], "w", buffering=1, errors="backslashreplace", closefd=False)
        self._move_handlers(own)
        os.dup2(self._output.file, STDOUT)
        os.dup2(self._output.file, STDERR)
        self.put_back()
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
        for file in self._kept:
            os.close(file)

    def put_back(self) -> None:
        """Have Python print here again, whatever a task did to its streams."""
        for name, stream in self._streams.items():
            setattr(sys, name, stream)
        # After that: what a task wrapped around a stream takes the stream along when it goes.
        self._flush()
        with suppress(*BROKEN):
            for stream in self._before:
                stream.flush()

    def say(self, line: str) -> None:
        """Print a line for a task, wherever it sends what it prints itself."""
        self._output.write(f"{line}\n")

    def skip(self) -> bool:
        """What was printed up to now is nobody's. True if anything was."""
        return self._output.skip()

    def take(self) -> str:
        """What can be told by now and was not."""
        self._flush()
        return self._output.take()

    def rest(self) -> str:
        """The end of what was not told, right after all that can be told was taken."""
        return self._output.rest()

    def _flush(self) -> None:
        for name, stream in self._streams.items():
            try:
                stream.flush()
            except BROKEN:
                self._streams[name] = _writer(self._output.file)
                if getattr(sys, name, None) is stream:
                    setattr(sys, name, self._streams[name])

    def _move_handlers(self, own: TextIO) -> None:
        loggers = [logging.root, *logging.root.manager.loggerDict.values()]
        for handler in {h for each in loggers for h in getattr(each, "handlers", ())}:
            if isinstance(handler, logging.StreamHandler) and handler.stream in self._before:
                self._moved.append((handler, handler.stream))
                handler.setStream(own)


class _TaskLines(logging.Handler):
    """What tasks and their libraries log belongs to what they print."""

    def __init__(self, write: Callable[[str], None]) -> None:
        super().__init__()
        self._print = write
        self.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """Print a record, unless the Spore speaks."""
        if not record.name.startswith(OWN_LOGGERS):
            self._print(f"{self.format(record)}\n")


def _writer(file: int) -> io.TextIOWrapper:
    """Text goes out line by line, so that lines of both streams keep their order."""
    raw = open(file, "ab", closefd=False)  # noqa: SIM115
    return io.TextIOWrapper(raw, "utf-8", errors="backslashreplace", line_buffering=True)
