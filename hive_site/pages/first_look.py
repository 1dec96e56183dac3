"""What a page shows at first: the rows that its live topics go on with."""

import time
from collections.abc import Mapping
from typing import Any

from hive_site.live.board import Topic
from nodes.picture import look


class FirstLook:
    """One read of the Foreman's picture, and what topics see in it."""

    def __init__(self) -> None:
        self.picture = look()
        self.now = time.time()

    def of(self, topic: Topic) -> Mapping[str, Any]:
        """A topic's rows. Raises `NotFound` if there is no such thing."""
        seen = topic.sketch(self.picture, self.now) or topic.read(self.picture, self.now)
        return seen.rows

    @property
    def trouble(self) -> dict[str, Any]:
        """What is wrong with what one sees: `kind`, and since when; empty if nothing is."""
        if self.picture.away:
            return {"kind": "redis", "why": self.picture.away}
        if not self.picture.is_fresh(self.now):
            age = self.picture.age(self.now)
            return {"kind": "foreman", "age": age}
        return {}
