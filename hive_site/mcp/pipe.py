"""The way to the agent on stdio, which knows which calls it has carried an answer to."""

import json
import os
from typing import Any, TextIO

import anyio


class Pipe(anyio.AsyncFile[str]):
    """A file of JSON-RPC messages, one a line, each flushed.

    Takes out of `owed` the ids of the calls that are answered; `paid` once none is left.
    """

    def __init__(self, file: TextIO, owed: set[str]) -> None:
        super().__init__(file)
        self._owed, self._line = owed, ""
        self.paid = anyio.Event()

    async def write(self, line: Any) -> int:
        """Take one message."""
        self._line = line
        return await super().write(line)

    async def flush(self) -> None:
        """Send it."""
        await super().flush()
        if not self._owed:
            return
        message = json.loads(self._line)
        if "method" not in message:  # it is no request of ours, nor a notification
            self._owed.discard(str(message.get("id")))
        if not self._owed:
            self.paid.set()


def claim_stdout() -> TextIO:
    """Standard output for the protocol alone; what is printed goes to standard error."""
    file = os.fdopen(os.dup(1), "w", encoding="utf-8", closefd=False)
    os.dup2(2, 1)
    return file
