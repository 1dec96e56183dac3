"""What pictures are made of: texts that are safe to show, shares, times, tables."""

import re
from datetime import datetime

from rich.table import Table
from rich.text import Text

COLOURS = {
    **{"online": "green", "lost": "red", "suspect": "yellow", "quarantined": "magenta"},
    **{"updating": "cyan", "draining": "cyan", "cordoned": "cyan"},
    **{"running": "green", "paused": "yellow", "cancelling": "yellow"},
}
BARS = "▁▂▃▄▅▆▇█"
#: Names and reasons come from anywhere, and a terminal does what it is told.
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def spark(values: list[float]) -> str:
    """A line of bars, of which the highest is the greatest of the values."""
    top = max(values, default=0.0)
    if top <= 0:
        return BARS[0] * len(values)
    return "".join(BARS[min(int(value / top * len(BARS)), len(BARS) - 1)] for value in values)


def table_of(*heads: str) -> Table:
    """A table without lines, with these heads."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold dim")
    for head in heads:
        table.add_column(head, no_wrap=True, overflow="ellipsis")
    return table


def state_of(state: str) -> Text:
    """A state in its colour."""
    return Text(state, style=COLOURS.get(state, "default"))


def share_of(value: float) -> Text:
    """A share as a percentage; red if little is left."""
    return Text(f"{value:4.0%}", style="red" if value >= 0.9 else "default")


def ago(seconds: float | None) -> str:
    """Some seconds in the unit that fits; a dash if nobody knows."""
    if seconds is None:
        return "–"
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.0f} h"


def seen_ago(moment: str | None, now: float) -> str:
    """How long ago a moment (ISO text) was."""
    if not moment:
        return "never"
    return ago(max(now - datetime.fromisoformat(moment).timestamp(), 0.0))


def plain(text: object) -> str:
    """Text that does nothing to a terminal."""
    return CONTROL.sub("·", str(text))


def word(text: object, most: int = 300) -> Text:
    """A cell with somebody's text, whatever that is, cut with a sign that it was."""
    shown = plain(text)
    # Not a string: of those rich takes what is in brackets for styles.
    return Text(shown if len(shown) <= most else f"{shown[: most - 1]}…")
