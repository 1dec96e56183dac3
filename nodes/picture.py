"""The cluster as the Foreman drew it last."""

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from hive_site.kernel.redis import RedisError
from nodes import interest, wire
from nodes.inbox import ask

#: An older picture than this says that the Foreman is away.
FRESH_SECONDS = 5.0
#: A glimpse is kept for so long; if Redis was away, it is not asked again for as long as that.
GLIMPSE_SECONDS, AWAY_SECONDS = 0.5, 5.0


@dataclass(frozen=True, slots=True)
class Picture:
    """What is drawn in it; nothing if there is none."""

    facts: Mapping[str, Any] = field(default_factory=dict)
    #: What is wrong with Redis; empty if it answered.
    away: str = ""

    def age(self, now: float) -> float | None:
        """Its age in seconds; None if there is none."""
        return max(now - self.facts["at"], 0.0) if self.facts else None

    def is_fresh(self, now: float) -> bool:
        """Whether a Foreman leads, so far as anybody can tell."""
        age = self.age(now)
        return age is not None and age < FRESH_SECONDS and not self.away

    def current(self, now: float) -> Mapping[str, Any]:
        """What is drawn in it while it is fresh; nothing afterwards."""
        return self.facts if self.is_fresh(now) else {}


#: The last glimpse, and until when it is good on the monotonic clock.
_glimpse: tuple[Picture, float] = (Picture(), 0.0)


def develop(text: bytes | None) -> Picture:
    """The picture of this text; of what is none, that it is none: anybody may have written it."""
    try:
        facts = json.loads(text) if text else {}
        is_sound = not facts or isinstance(facts["at"], int | float)
    except (ValueError, TypeError, KeyError, RecursionError):
        is_sound = False
    return Picture(facts) if is_sound else Picture(away="what is there is no picture")


def look() -> Picture:
    """The newest picture."""
    try:
        return develop(ask(lambda redis: redis.get(wire.SNAPSHOT)))
    except (RedisError, OSError) as error:
        return Picture(away=str(error) or type(error).__name__)


def look_closely() -> Picture:
    """The newest picture for who looks at what single nodes do, which pictures soon show then."""
    picture = look()
    if picture.is_fresh(time.time()):
        with suppress(RedisError):  # others found meanwhile that it hangs
            ask(interest.show)
    return picture


def glimpse() -> Picture:
    """The picture, half a second late at most: for what is better left out than waited for.
    An empty one, and nearly always at once, while Redis is away."""
    global _glimpse
    picture, good_until = _glimpse
    if time.monotonic() >= good_until:
        # Before the answer, so that others do not ask as well.
        _glimpse = picture, time.monotonic() + AWAY_SECONDS
        picture = look()
        keep = AWAY_SECONDS if picture.away else GLIMPSE_SECONDS
        _glimpse = picture, time.monotonic() + keep
    return picture
