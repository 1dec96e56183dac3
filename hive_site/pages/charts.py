"""Charts of the past as pages have them at first: js/history.js goes on with them."""

import json
from datetime import UTC, datetime
from typing import Any

from nodes import history

#: So many points of a chart are told as a table, and drawn as a small line.
TABLE_POINTS, SPARK_POINTS = 15, 90


def read_window(wish: str | None, windows: tuple[str, ...]) -> str:
    """The window of time that an address asks for, or the shortest."""
    return wish if wish in windows else windows[0]


def draw_chart(scope: str, window: str, now: datetime) -> dict[str, Any]:
    """A chart as pages draw it: `series` for the script, `rows` for the table, `points` it has."""
    chart = history.read(scope, window, now)
    columns = zip(*chart.values.values(), strict=True)
    points = sum(any(value is not None for value in row) for row in columns)
    step = max(len(chart.at) // TABLE_POINTS, 1)
    last = max(len(chart.at) - 1, 0)
    return {
        "data": chart,
        "series": json.dumps({"step": chart.step, "at": chart.at, "values": chart.values}),
        "points": points,
        "rows": [
            {"at": datetime.fromtimestamp(chart.at[n], UTC), **_row(chart, n)}
            for n in range(last, -1, -step)
            if chart.at
        ],
        "lines": {name: thin(values, SPARK_POINTS) for name, values in chart.values.items()},
    }


def thin(values: list[float | None], most: int) -> list[float | None]:
    """At most so many values: the mean of each few neighbours, None where nothing is known."""
    width = -(-len(values) // most) if values else 1
    return [_mean(values[at : at + width]) for at in range(0, len(values), width)]


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _row(chart: history.Chart, n: int) -> dict[str, float | None]:
    return {name: values[n] for name, values in chart.values.items()}
