"""How many may be at something at once: each holds a thread, or a connection, until it is over.

A rate does not bound that: a request may take a minute.
"""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from rest_framework.exceptions import Throttled
from rest_framework.request import Request

from hive_site.kernel.errors import Unavailable

RETRY_AFTER_SECONDS = 5


class Crowd:
    """Those who are at one thing in this process; of them, not too many may be one caller's."""

    def __init__(self, doing: str, *, most: int, most_of_one: int) -> None:
        """`doing` is what it is, as in "they wait"."""
        self._doing, self._most, self._most_of_one = doing, most, most_of_one
        self._inside = Counter[str]()
        self._turn = threading.Lock()

    def __len__(self) -> int:
        """How many there are."""
        return self._inside.total()

    def enter(self, who: str) -> None:
        """Let somebody in, who leaves later. Raises `Throttled`, or `Unavailable` if it is full."""
        with self._turn:
            if self._inside[who] >= self._most_of_one:
                told = f"{who} {self._doing}s {self._most_of_one} times already"
                raise Throttled(RETRY_AFTER_SECONDS, told)
            if len(self) >= self._most:
                raise Unavailable(f"{self._most} others {self._doing} already; try again later")
            self._inside[who] += 1

    def leave(self, who: str) -> None:
        """This one is gone."""
        with self._turn:
            self._inside[who] -= 1
            self._inside += Counter()  # whoever is not there takes no memory

    @contextmanager
    def place(self, request: Request) -> Iterator[None]:
        """A place for the caller of a request, as long as it takes."""
        who = request.user.get_username()
        self.enter(who)
        try:
            yield
        finally:
            self.leave(who)


#: Whoever waits for an end holds a thread.
waiters = Crowd("wait", most=400, most_of_one=200)
#: Whoever follows events holds a connection.
followers = Crowd("follow", most=1000, most_of_one=500)
