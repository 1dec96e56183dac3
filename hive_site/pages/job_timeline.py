"""A timeline in the measures of its drawing: a template only writes it down."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from hive_site.templatetags.hive import brief
from jobs.domain.timeline import Lane, Rect, Timeline

WIDTH, LANE_HEIGHT, GAP = 1000, 18, 2
#: However short a run was, it is seen.
LEAST_WIDTH = 0.8
MARKS = 5


@dataclass(frozen=True, slots=True)
class Shape:
    """A rectangle of the drawing. `said`: what it stands for, for people."""

    x: str
    y: int
    width: str
    height: int
    state: str
    opacity: str
    index: int
    said: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawing of so many lanes, with their names and the marks of its axis."""

    width: int
    height: int
    lanes: list[str]
    marks: list[str]
    shapes: list[Shape]
    began: datetime


def picture_of(timeline: Timeline) -> Picture:
    """The drawing of a timeline."""
    whole = timeline.end - timeline.start
    return Picture(
        width=WIDTH,
        height=LANE_HEIGHT * len(timeline.lanes),
        lanes=[_name(lane) for lane in timeline.lanes],
        marks=[brief(whole * n / (MARKS - 1)) for n in range(MARKS)] if whole else [],
        shapes=list(_shapes(timeline)),
        began=datetime.fromtimestamp(timeline.start, UTC),
    )


def _name(lane: Lane) -> str:
    if lane.slots == 1:
        return f"{lane.node} · {lane.slot + 1}"
    if lane.node == lane.last:
        return f"{lane.node} · {lane.slots} slots"
    return f"{lane.node} … {lane.last} · {lane.slots} slots"


def _shapes(timeline: Timeline) -> Iterator[Shape]:
    scale = WIDTH / ((timeline.end - timeline.start) or 1.0)
    for rect in timeline.rects:
        x = (rect.start - timeline.start) * scale
        width = max((rect.end - rect.start) * scale, LEAST_WIDTH)
        x = min(x, WIDTH - width)
        full = (rect.end - rect.start) * timeline.lanes[rect.lane].slots
        share = min(rect.busy / full, 1.0) if full and not timeline.exact else 1.0
        wait = rect.runs == 0
        yield Shape(
            x=f"{x:.2f}",
            y=rect.lane * LANE_HEIGHT + (LANE_HEIGHT // 2 - 1 if wait else GAP),
            width=f"{width:.2f}",
            height=2 if wait else LANE_HEIGHT - 2 * GAP,
            state=rect.state,
            opacity=f"{max(share, 0.15):.2f}",
            index=rect.index,
            said=_said(rect, exact=timeline.exact),
        )


def _said(rect: Rect, *, exact: bool) -> str:
    lasted = brief(rect.end - rect.start)
    if rect.runs == 0:
        return f"#{rect.index} waited {lasted}"
    if exact:
        return f"#{rect.index} {rect.state} {lasted}"
    return f"{rect.runs:,} runs, #{rect.index} {rect.state}"
