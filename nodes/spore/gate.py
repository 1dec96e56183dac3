"""Holds the slots of a new start back until somebody lets them through."""

import os

from hive_site.kernel.errors import HiveError


class Unfit(HiveError):
    """This code cannot run here: a slot ended before it had loaded its tasks."""


class Gate:
    """Shut or open; once open it stays so. Whoever waits at it sleeps in the kernel.

    It is a pipe that nobody writes to: it is open once nobody could any more.
    """

    def __init__(self, *, shut: bool = False) -> None:
        self._ends = os.pipe() if shut else None

    @property
    def is_open(self) -> bool:
        """Whether nobody waits any more, as far as this process knows."""
        return self._ends is None

    def open(self) -> None:
        """Let all through. Safe to repeat. Only the agent calls this."""
        if self._ends:
            for end in self._ends:
                os.close(end)
            self._ends = None

    def approach(self) -> None:
        """A slot was forked: its copy of the agent's end must not keep the gate shut."""
        if self._ends:
            reader, writer = self._ends
            os.close(writer)
            self._ends = (reader, -1)

    def wait(self) -> None:
        """Come back once it is open. Only a slot calls this, after `approach`."""
        if self._ends:
            os.read(self._ends[0], 1)
            os.close(self._ends[0])
            self._ends = None
