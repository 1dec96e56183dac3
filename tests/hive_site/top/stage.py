"""Runs the screen of `hive top` before a frozen cluster: `python -m tests.hive_site.top.stage`."""

import sys

from hive_site.top.screen import open_console, run_screen
from tests.hive_site.top.cast import facts, node


class Frozen:
    """Shows the same again and again; the first node's name counts the looks."""

    looks = 0

    def look(self, *, history):
        self.looks += 1
        if 3 <= self.looks <= 9:
            raise OSError("no answer")
        return facts(nodes=[node(f"look-{self.looks}"), *(node(f"n{n}") for n in range(50))])


if __name__ == "__main__":
    sys.exit(run_screen(Frozen(), open_console(), interval=0.2))
