"""What the picture of a run shows: a panel of bars for each figure that matters most. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: Workload and figure, in reading order.
SHOWN = (
    ("map", "rate"),
    ("map", "cpu"),
    ("latency", "p50"),
    ("payload", "rate"),
    ("tens", "efficiency"),
    ("fifties", "efficiency"),
)
PER_CENT, LOG = "% of ideal", " (logarithmic)"


@dataclass(frozen=True, slots=True)
class Bar:
    """One side's median, and the lowest and highest of its repeats."""

    title: str
    median: float
    lowest: float
    highest: float
    is_hive: bool


@dataclass(frozen=True, slots=True)
class Panel:
    """One figure of all sides that have it, the best first."""

    title: str
    #: The unit, and which way is better.
    about: str
    bars: tuple[Bar, ...]
    #: Orders of magnitude lie between the sides; shares of a whole are compared as they are.
    logarithmic: bool


def draw_up(document: Mapping[str, Any]) -> list[Panel]:
    """The panels of a run; those that it did not measure are left out."""
    rows = {(row["workload"], row["figure"]): row for row in document["figures"]}
    found = [rows[key] for key in SHOWN if key in rows and rows[key]["sides"]]
    return [_panel(row, document["contenders"]) for row in found]


def _panel(row: Mapping[str, Any], titles: Mapping[str, str]) -> Panel:
    bars = [
        Bar(titles[name], side["median"], side["lowest"], side["highest"], name == "hive")
        for name, side in row["sides"].items()
    ]
    more, whole = row["more_is_better"], row["unit"] == PER_CENT
    return Panel(
        title=row["title"].removeprefix("… "),
        about=f"{row['unit']}, {'more' if more else 'less'} is better{'' if whole else LOG}",
        bars=tuple(sorted(bars, key=lambda bar: bar.median, reverse=more)),
        logarithmic=not whole,
    )
