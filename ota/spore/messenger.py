"""Talks with the Nexus in a thread of its own: nothing that a node does ever waits for it."""

import random
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from ota.spore.log import tell
from ota.spore.nexus import NexusAway, Refused

#: How often a node asks although nobody told it to, and how late it may then be.
POLL_SECONDS, SPREAD = 60.0, 0.2
LONGEST_REST_SECONDS = 30.0
#: Who was never answered may have started before the Nexus, beside it.
YOUNG_REST_SECONDS, YOUNG_FAILURES = 0.5, 40


class Desk(Protocol):
    """The Nexus, as far as a launcher needs it."""

    def sync(self, body: dict[str, Any]) -> dict[str, Any]:
        """Report, and learn what is wanted. Raises `NexusAway`, `Refused`."""


class Messenger:
    """`post` what to report; `collect` what came back."""

    def __init__(self, desk: Desk, *, wake: Callable[[], None], poll: float = POLL_SECONDS) -> None:
        """`wake` is called from the thread whenever there is something to collect."""
        self._desk, self._wake, self._poll = desk, wake, poll
        self._body: dict[str, Any] = {}
        self._answers: deque[dict[str, Any]] = deque(maxlen=8)
        self._due = threading.Condition()
        self._asked = True
        self._failures, self._is_young = 0, True
        self._errands: deque[Callable[[], object]] = deque()
        threading.Thread(target=self._run, name="messenger", daemon=True).start()

    def post(self, body: dict[str, Any], *, now: bool) -> None:
        """What the next report says; `now`: ask at once."""
        with self._due:
            self._body = body
            if now:
                self._asked = True
                self._due.notify()

    def send_off(self, errand: Callable[[], object]) -> None:
        """Have something done that may take a while and that nobody waits for."""
        with self._due:
            self._errands.append(errand)
            self._due.notify()

    def collect(self) -> list[dict[str, Any]]:
        """The answers since the last look, oldest first."""
        found = []
        while self._answers:
            found.append(self._answers.popleft())
        return found

    @property
    def reachable(self) -> bool:
        """Whether the Nexus answered the last time."""
        return not self._failures

    def _run(self) -> None:
        while True:
            with self._due:
                if not (self._asked or self._errands):
                    self._due.wait(self._rest())
                asked = self._asked or not self._errands
                self._asked, body = False, self._body
                errands, self._errands = self._errands, deque()
            for errand in errands:
                self._try(errand)
            if asked and body:
                self._ask(body)

    def _ask(self, body: dict[str, Any]) -> None:
        try:
            self._answers.append(self._desk.sync(body))
        except Exception as error:  # noqa: BLE001 a fault of ours must not end the thread
            if not isinstance(error, NexusAway | Refused):
                tell("nexus.fault", error=repr(error))
            if not self._failures:
                tell("nexus.away", error=error)
            self._failures += 1
            self._be_quiet()
            return
        self._failures, self._is_young = 0, False
        self._wake()

    def _be_quiet(self) -> None:
        # Many nodes lose a Nexus together; they must not come back together.
        rest = min(2.0 ** min(self._failures - 1, 10), LONGEST_REST_SECONDS)
        if self._is_young and self._failures < YOUNG_FAILURES:
            rest = YOUNG_REST_SECONDS
        time.sleep(random.uniform(rest / 4, rest))
        with self._due:
            self._asked = True

    def _rest(self) -> float:
        return self._poll * random.uniform(1 - SPREAD, 1 + SPREAD)

    def _try(self, errand: Callable[[], object]) -> None:
        try:
            errand()
        except Exception as error:  # noqa: BLE001 nobody else would hear from the Nexus any more
            tell("errand.failed", error=repr(error))
