"""Results that are known already, or will be soon because an equal subtask is running.

Two subtasks are equal if their task, its version, their keywords and their items are. What a
task sees is parsed JSON, so how the JSON is written makes no difference.
"""

import hashlib
import json
from collections.abc import Iterator

from jobs.domain.backlog import Line, Ready
from jobs.domain.references import is_reference

#: What a subtask's row says instead of why it ran where it did.
FROM_CACHE = "from the cache"
#: So many keys of recent results are remembered; of older ones the database is asked in pages.
MOST_FRESH = 20_000


def base_of(*, task: str, version: str, kwargs: str) -> str:
    """What the keys of all subtasks of a job have in common; `kwargs` is JSON text."""
    return _digest(json.dumps([task, version]), _canonical(kwargs))


def key_of(base: str, item: str) -> str:
    """The name of a result; `item` is JSON text, or a reference to one."""
    return _digest(base, _canonical(item))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _canonical(text: str) -> str:
    # Large values count as equal if they are written alike.
    if is_reference(text):
        return text
    return json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"))


class Twins:
    """Subtasks that wait because an equal one is in flight."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[tuple[Line, Ready]]] = {}
        self._fresh: dict[str, None] = {}

    def park(self, line: Line, ready: Ready) -> None:
        """An equal subtask is in flight: wait for its result."""
        line.parked[ready.subtask] = ready
        self._waiting.setdefault(ready.key, []).append((line, ready))

    def settle(self, key: str, result: str) -> None:
        """The result is there: whoever waited has it."""
        for line, ready in self._pop(key):
            line.known.append((ready, result))

    def wake(self, key: str) -> None:
        """Nothing equal is in flight any more: the first of each line that waited may go."""
        woken: set[int] = set()
        for line, ready in self._pop(key):
            if id(line) in woken:
                self.park(line, ready)
            else:
                woken.add(id(line))
                line.ready.appendleft(ready)

    def _pop(self, key: str) -> Iterator[tuple[Line, Ready]]:
        """Those who wait, and not with a line that was stopped or read anew since then."""
        for line, ready in self._waiting.pop(key, ()):
            if line.parked.pop(ready.subtask, None) is ready:
                yield line, ready

    def note(self, key: str) -> None:
        """A result was just stored; who is ready already finds it before it is sent."""
        self._fresh[key] = None
        if len(self._fresh) > MOST_FRESH:
            del self._fresh[next(iter(self._fresh))]

    def is_fresh(self, key: str) -> bool:
        """Whether the result was stored a moment ago."""
        return key in self._fresh

    def forget(self, key: str) -> None:
        """There is no such result after all."""
        self._fresh.pop(key, None)
