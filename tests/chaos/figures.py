"""What was measured, against what FAULTS.md demands; a table of it at the end of a run."""

import operator
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass

MUST = re.compile(r"([=<>≤≥]) ([\d.,]+) ?(.*)")
COMPARE = {
    "=": operator.eq,
    "<": operator.lt,
    ">": operator.gt,
    "≤": operator.le,
    "≥": operator.ge,
}
#: Bounds in seconds are for a quiet machine of two cores. With more to do than cores, processes
#: wait for each other, and twice the time is allowed; the table says where that was so.
SLACK = 2.0


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement. `must` is a bound like "≤ 10 s" or "= 0"; empty if there is none."""

    row: int
    what: str
    value: float
    must: str = ""
    busy: bool = False

    @property
    def holds(self) -> bool:
        """Whether the value is within the bound."""
        if not self.must:
            return True
        sign, number, unit = self._parts()
        stretched = self.busy and unit == "s" and sign in "<≤"
        bound = float(number.replace(",", "")) * (SLACK if stretched else 1)
        return bool(COMPARE[sign](self.value, bound))

    @property
    def note(self) -> str:
        """What to know about it: that it broke its bound, or held only with slack."""
        if not self.must:
            return ""
        sign, number, _unit = self._parts()
        tight = COMPARE[sign](self.value, float(number.replace(",", "")))
        return "held" if tight else "held (busy machine)" if self.holds else "BROKEN"

    def _parts(self) -> tuple[str, str, str]:
        found = MUST.fullmatch(self.must)
        if not found:
            raise ValueError(f"{self.must!r}: give a bound like '≤ 10 s'")
        sign, number, unit = found.groups()
        return sign, number, unit


def is_busy() -> bool:
    """Whether more processes want to run than there are cores."""
    return os.getloadavg()[0] > (os.cpu_count() or 1)


def as_markdown(figures: Iterable[Figure]) -> str:
    """The table, by row."""
    lines = ["| row | figure | measured | must | |", "|---|---|---|---|---|"]
    for figure in sorted(figures, key=lambda one: one.row):
        value = f"{figure.value:,.2f}".rstrip("0").rstrip(".")
        lines.append(f"| {figure.row} | {figure.what} | {value} | {figure.must} | {figure.note} |")
    return "\n".join(lines)
