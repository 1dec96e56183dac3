"""Hears what one attempt after the other prints, and makes events of it."""

from typing import Any, Protocol


class Printed(Protocol):
    """Where output comes from: `jobs.spore.capture.Capture`."""

    def skip(self) -> bool:
        """What was printed up to now is nobody's. True if anything was."""

    def take(self) -> str:
        """What can be told by now and was not."""

    def rest(self) -> str:
        """The end of what was not told."""


class LogReader:
    """One slot's. The caller sees to it that nobody else listens at the same time."""

    def __init__(self, printed: Printed) -> None:
        self._printed = printed
        self._attempt = self._count = 0

    def ignore(self) -> bool:
        """Nothing runs: what was printed is nobody's, and takes no room. True if anything was."""
        return self._printed.skip()

    def begin(self, attempt: int) -> None:
        """An attempt starts; what is printed from now on is its own."""
        self._printed.skip()
        self._attempt, self._count = attempt, 0

    def hear(self) -> list[dict[str, Any]]:
        """The event of what can be told now, if there is anything."""
        return self._tell(self._printed.take()) if self._attempt else []

    def end(self) -> list[dict[str, Any]]:
        """The attempt is over: the events of everything that is left to tell."""
        events = [*self.hear(), *self._tell(self._printed.rest())] if self._attempt else []
        self._attempt = 0
        return events

    def _tell(self, text: str) -> list[dict[str, Any]]:
        if not text:
            return []
        self._count += 1
        return [{"k": "log", "a": self._attempt, "n": self._count, "text": text}]
