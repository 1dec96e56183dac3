"""The children of one stack: who they are, who died, who is started again, who ends when."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from hive_site.kernel.errors import HiveError
from hive_site.stack.processes import Child, Recipe, stop_all

#: A child that lived this long is healthy again, whatever came before.
HEALTHY_AFTER_SECONDS = 60.0
LONGEST_REST_SECONDS = 30.0


def rest_before(restart: int) -> float:
    """Seconds to wait before the nth restart in a row (from 1): 0.5, 1, 2 … 30."""
    return min(0.5 * 2.0 ** min(restart - 1, 10), LONGEST_REST_SECONDS)


@dataclass(frozen=True, slots=True)
class Death:
    """A child that ended although nobody asked it to."""

    name: str
    end: str
    log: Path
    last_words: str


@dataclass(slots=True)
class _Grave:
    child: Child
    restarts: int
    restart_at: float


class Nursery:
    """Children by name. `rest` says how many seconds pass before the nth restart in a row."""

    def __init__(self, *, logs: Path, rest: Callable[[int], float] = rest_before) -> None:
        self.logs, self._rest = logs, rest
        self._children: dict[str, Child] = {}
        self._graves: dict[str, _Grave] = {}
        self._restarts: dict[str, int] = {}

    def start(self, recipe: Recipe) -> Child:
        """A new child, counted from now on."""
        return self.adopt(Child(recipe, logs=self.logs))

    def adopt(self, child: Child) -> Child:
        """Count a child that runs already."""
        self._children[child.name] = child
        self._graves.pop(child.name, None)
        return child

    def pid(self, name: str) -> int | None:
        """The process of a child; None if this stack never started one of that name."""
        child = self._children.get(name)
        return child.pid if child else None

    def require_all_alive(self) -> None:
        """Raise `HiveError` with the last words of a child that died."""
        for child in self._children.values():
            if not child.alive:
                words = child.last_words() or "it said nothing"
                raise HiveError(f"{child.name} ended with {child.end} ({child.log}):\n{words}")

    def mourn(self, now: float) -> list[Death]:
        """Who died since the last call."""
        deaths = []
        for child in self._children.values():
            if child.alive or child.name in self._graves:
                continue
            healthy = now - child.born_at >= HEALTHY_AFTER_SECONDS
            restarts = 1 if healthy else self._restarts.get(child.name, 0) + 1
            self._graves[child.name] = _Grave(child, restarts, now + self._rest(restarts))
            deaths.append(Death(child.name, child.end, child.log, child.last_words(lines=1)))
        return deaths

    def revive(self, now: float) -> list[str]:
        """Start the dead again whose rest is over; returns their names."""
        due = [grave for grave in self._graves.values() if now >= grave.restart_at]
        for grave in due:
            self._restarts[grave.child.name] = grave.restarts
            self.start(grave.child.recipe)
        return [grave.child.name for grave in due]

    def stop(self, names: Iterable[str], *, patience: float, hurry: Event | None = None) -> None:
        """End these children together; returns when none of them runs."""
        children = [self._children[name] for name in names if name in self._children]
        stop_all(children, patience=patience, hurry=hurry)
        for child in children:
            del self._children[child.name]
            self._graves.pop(child.name, None)
