"""Reads the history that the Foreman keeps: what happened in the last minutes, hours or days."""

import json
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from math import ceil

from django.conf import settings

from hive_site.kernel.errors import Invalid, NotFound
from hive_site.kernel.redis import RedisError
from nodes import wire
from nodes.domain.series import (
    COARSE,
    FINE,
    METRICS,
    Level,
    Value,
    floor,
    kind_of,
    read_strip,
    thin,
)
from nodes.inbox import ask
from nodes.models import HistoryChunk, Node

MOST_POINTS = 1000
#: Seconds that are further apart than this have a gap between them.
GAP_SECONDS = 2.5
#: If intervals of ten seconds reach back so much further, they tell more than the seconds.
YOUNGER_SECONDS = 60
Rows = list[tuple[float, list[Value]]]
#: What is raised by what is there in Redis and nobody of ours wrote.
NONSENSE = (ValueError, KeyError, TypeError, RecursionError)


@dataclass(frozen=True, slots=True)
class Window:
    """How far back a chart goes, in seconds, and from which intervals it is drawn."""

    seconds: int
    level: Level


WINDOWS = {
    "15m": Window(900, FINE),
    "1h": Window(3600, FINE),
    "24h": Window(86_400, FINE),
    "30d": Window(30 * 86_400, COARSE),
}
SECOND_BY_SECOND = "15m"


@dataclass(frozen=True, slots=True)
class Chart:
    """Points about `step` seconds apart: when (Unix seconds), and what by metric; None is a gap."""

    step: int
    at: list[float]
    values: dict[str, list[Value]]


def read(scope: str, window: str, now: datetime) -> Chart:
    """What is remembered of "cluster", "queue/NAME" or "node/NAME" for one of `WINDOWS`.

    At most about a thousand points. Raises `Invalid` with the field's name, or `NotFound`.
    """
    _check_scope(scope)
    if window not in WINDOWS:
        raise Invalid(f"{window!r}; give one of {', '.join(WINDOWS)}", field="window")
    span, until = WINDOWS[window], now.timestamp()
    rows = _read_chunks(scope, span, until)
    if window == SECOND_BY_SECOND and kind_of(scope) != "node":
        seconds = _read_seconds(scope, until - span.seconds)
        if seconds and (not rows or seconds[0][0] < rows[0][0] + YOUNGER_SECONDS):
            return _draw(scope, seconds, step=1)
    return _draw_evenly(scope, rows, span, until)


def _check_scope(scope: str) -> None:
    kind, _, name = scope.partition("/")
    if scope != "cluster" and not (kind in ("queue", "node") and name):
        rule = "give cluster, queue/NAME or node/NAME"
        raise Invalid(f"{scope!r}; {rule}", field="scope")
    if kind == "queue" and name not in settings.HIVE.queues:
        raise NotFound(f"no queue is named {name!r}; there are {', '.join(settings.HIVE.queues)}")
    if kind == "node" and not Node.objects.filter(name=name).exists():
        raise NotFound(f"no node is named {name!r}")


def _read_chunks(scope: str, window: Window, until: float) -> Rows:
    level, since = window.level, until - window.seconds
    chunks = HistoryChunk.objects.filter(
        scope=scope, step=level.step, start__gt=since - level.span, start__lte=until
    )
    found: dict[int, list[Value]] = {}
    # Where two leaders tell of the same interval, the later one does.
    for start, data in chunks.order_by("start").values_list("start", "data"):
        found.update(read_strip(scope, level, start, bytes(data)))
    return [(at, found[at]) for at in sorted(found) if at >= since]


def _read_seconds(scope: str, since: float) -> Rows:
    """Second by second, as long as Redis remembers."""
    try:
        texts = ask(lambda redis: redis.lrange(wire.SECONDS, 0, -1))
    except (RedisError, OSError):
        return []
    try:
        records = [json.loads(text) for text in texts]
        return [
            (at, each[scope]) for each in records if (at := each["at"]) >= since and scope in each
        ]
    except NONSENSE:
        return []


def _draw(scope: str, rows: Rows, *, step: int) -> Chart:
    """The rows as they are, with a row of nothing where some are missing."""
    nothing: list[Value] = [None] * len(METRICS[kind_of(scope)])
    points = rows[:1]
    for (before, _), row in pairwise(rows):
        if row[0] - before > GAP_SECONDS:
            points.append((before + step, nothing))
        points.append(row)
    return _chart(scope, points, step)


def _draw_evenly(scope: str, rows: Rows, window: Window, until: float) -> Chart:
    """A point for every step of the window, each the mean of what lies in it."""
    names = METRICS[kind_of(scope)]
    step = window.level.step * ceil(window.seconds / window.level.step / MOST_POINTS)
    last, count = floor(until, step), window.seconds // step
    found, nothing = thin(rows, names, step=step), [None] * len(names)
    grid = range(last - (count - 1) * step, last + 1, step)
    return _chart(scope, [(at, found.get(at, nothing)) for at in grid], step)


def _chart(scope: str, points: Rows, step: int) -> Chart:
    names = METRICS[kind_of(scope)]
    columns = zip(*(values for _, values in points), strict=True)
    values = {
        name: [None if value is None else round(value, 3) for value in column]
        for name, column in zip(names, columns, strict=True)
    }
    return Chart(step, [at for at, _ in points], values)
