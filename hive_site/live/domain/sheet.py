"""A table of keys and values that knows when each of them changed last.

A reader says up to which number it was told and gets what changed since then, however long ago
that was: what it missed in between is of no interest any more.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

#: So many keys that are gone are remembered; a reader who missed an older one is told everything.
MOST_GONE = 2000


@dataclass(frozen=True, slots=True)
class Difference:
    """What a reader must do: forget all it knew if it is `whole`, set these, drop those."""

    whole: bool
    set: Mapping[str, Any] = field(default_factory=dict)
    gone: tuple[str, ...] = ()


class Sheet:
    """Keys with JSON values, each stamped with the number of its last change."""

    def __init__(self, *, most_gone: int = MOST_GONE) -> None:
        self._most_gone = most_gone
        self._values: dict[str, Any] = {}
        self._stamps: dict[str, int] = {}
        #: In the order in which they went.
        self._gone: dict[str, int] = {}
        self._forgotten = 0

    def write(self, values: Mapping[str, Any], *, at: int) -> bool:
        """Make these all there is, as of number `at`; False if nothing changed."""
        known = self._values
        changed = [key for key, value in values.items() if key not in known or known[key] != value]
        gone = known.keys() - values.keys()
        for key in changed:
            self._gone.pop(key, None)
        self._stamps |= dict.fromkeys(changed, at)
        for key in gone:
            del self._stamps[key]
        self._gone |= dict.fromkeys(gone, at)
        self._forget_old()
        self._values = dict(values)
        return bool(changed or gone)

    def since(self, seq: int) -> Difference:
        """What changed after number `seq`; everything if that is not known any more."""
        if seq < self._forgotten or seq <= 0:
            return Difference(True, self._values)
        new = {key: self._values[key] for key, stamp in self._stamps.items() if stamp > seq}
        gone = tuple(key for key, stamp in self._gone.items() if stamp > seq)
        return Difference(False, new, gone)

    def _forget_old(self) -> None:
        while len(self._gone) > self._most_gone:
            oldest = next(iter(self._gone))
            self._forgotten = self._gone.pop(oldest)
