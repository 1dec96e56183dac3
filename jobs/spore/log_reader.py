"""Hears what one attempt after the other prints, and makes events of it."""

from collections.abc import Iterator
from typing import Any, Protocol

from jobs.domain.transcript import Transcript

MOST_TAKES = 64


class Printed(Protocol):
    """Where output comes from: `jobs.spore.capture.Capture`."""

    def take(self) -> bytes:
        """What was printed since the last time, or the beginning of it if it is much."""


class LogReader:
    """One slot's. The caller sees to it that nobody else listens at the same time."""

    def __init__(self, printed: Printed) -> None:
        self._printed = printed
        self._attempt = self._count = 0
        self._transcript: Transcript | None = None

    def ignore(self) -> None:
        """What was printed up to now is nobody's: leftovers of earlier attempts said it."""
        for _ in self._take_all():
            pass

    def begin(self, attempt: int) -> None:
        """An attempt starts; what is printed from now on is its own."""
        self._attempt, self._count, self._transcript = attempt, 0, None

    def hear(self) -> list[dict[str, Any]]:
        """The event of what can be told now, if there is anything."""
        told = ""
        for data in self._take_all() if self._attempt else ():
            if self._transcript is None:
                self._transcript = Transcript()
            told += self._transcript.feed(data)
        return self._tell(told)

    def end(self) -> list[dict[str, Any]]:
        """The attempt is over: the events of everything that is left to tell."""
        events = self.hear()
        if self._transcript is not None:
            events += self._tell(self._transcript.close())
        self._attempt, self._transcript = 0, None
        return events

    def _take_all(self) -> Iterator[bytes]:
        """All that was printed; but whoever prints without end is not listened to without end."""
        for _ in range(MOST_TAKES):
            if not (data := self._printed.take()):
                return
            yield data

    def _tell(self, text: str) -> list[dict[str, Any]]:
        if not text:
            return []
        self._count += 1
        return [{"k": "log", "a": self._attempt, "n": self._count, "text": text}]
