"""Sides that run nothing, for the tests of what is done with their answers."""

import contextlib

from bench.contenders import Incomplete
from bench.timing import Trip


class Obedient:
    """Does at once whatever it is asked."""

    def __init__(self, name, *, only=None):
        self.name, self.title, self.workers, self.asked = name, name.title(), [], []
        self.turns, self._only, self._cpu = [], only, 0.0

    @contextlib.contextmanager
    def turn(self, setting):
        self.turns.append(setting)
        yield

    def takes(self, workload):
        return self._only is None or workload in self._only

    def run_all(self, work, items):
        self.asked.append((work, len(items)))
        return 0.5

    def run_trips(self, work, items):
        self.asked += [(work, 1) for _ in items]
        return [Trip(1000.0, 0.25 * n, 0.5 * n, 1000.0 + n) for n, _ in enumerate(items, 1)]

    def cpu_seconds(self):
        self._cpu += 1.5
        return self._cpu


class Broken(Obedient):
    """Loses everything."""

    def run_all(self, work, items):
        raise Incomplete(f"{work}: 0 of {len(items)}")


class Absent(Obedient):
    """Never comes up."""

    @contextlib.contextmanager
    def turn(self, setting):
        raise Incomplete("it did not come up")
        yield
