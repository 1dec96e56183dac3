"""Sides that run nothing, for the tests of what is done with their answers."""

from bench.contenders import Incomplete


class Obedient:
    """Does at once whatever it is asked."""

    def __init__(self, name):
        self.name, self.workers, self.asked = name, [], []

    def run_all(self, work, items):
        self.asked.append((work, len(items)))

    def submit(self, work, item):
        self.asked.append((work, 1))
        return lambda: item


class Broken(Obedient):
    """Loses everything."""

    def run_all(self, work, items):
        raise Incomplete(f"{work}: 0 of {len(items)}")
