"""A job over time: lanes of runs, in so few rectangles that a page can show them. No I/O."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from jobs.domain.states import Outcome, SubtaskState

#: What a page is given at most.
MOST_RECTS = 2000
#: More lanes than this nobody looks at one by one: neighbours share one.
MOST_LANES = 60
#: What a rectangle for several runs looks like: like the first of these that is among them.
WORST_FIRST = (
    SubtaskState.QUARANTINED,
    SubtaskState.FAILED,
    Outcome.CRASHED,
    Outcome.TIMEOUT,
    Outcome.LOST,
    SubtaskState.RETRYING,
    SubtaskState.CANCELLED,
    SubtaskState.RUNNING,
    SubtaskState.SUCCEEDED,
)
RANK = {str(state): rank for rank, state in enumerate(WORST_FIRST)}
WAIT = "waiting"


@dataclass(frozen=True, slots=True)
class Run:
    """One try at a subtask on a node, from and to in Unix seconds."""

    node: str
    start: float
    end: float
    state: str
    index: int


@dataclass(frozen=True, slots=True)
class Lane:
    """A slot of a node, or several neighbours that share a lane; `last` is the last one's node."""

    node: str
    slot: int
    last: str
    slots: int = 1


@dataclass(frozen=True, slots=True)
class Rect:
    """What is drawn: a run, a wait, or a stretch of time with all runs in it.

    `busy`: seconds of runs. `index`: the subtask, if it is one run, or one of the worst.
    """

    lane: int
    start: float
    end: float
    state: str
    busy: float
    runs: int
    index: int


@dataclass(frozen=True, slots=True)
class Timeline:
    """Lanes and rectangles within a window. `exact`: each rectangle is one run or one wait."""

    start: float
    end: float
    lanes: tuple[Lane, ...]
    rects: tuple[Rect, ...]
    exact: bool


def lay_out(
    runs: Iterable[Run],
    *,
    start: float,
    end: float,
    most: int = MOST_RECTS,
    most_lanes: int = MOST_LANES,
) -> Timeline:
    """Runs, as far as they lie between `start` and `end`, in at most `most` rectangles."""
    within = [clipped for run in runs if (clipped := _clip(run, start, end))]
    lanes, packed = _pack(within)
    shared, packed = _share(lanes, packed, min(most_lanes, most))
    exact = len(shared) == len(lanes)
    if exact and 2 * len(packed) <= most:
        return Timeline(start, end, shared, tuple(_with_waits(packed, start)), True)
    if exact and len(packed) <= most:
        return Timeline(start, end, shared, tuple(_rect(*each) for each in packed), True)
    columns = max(most // max(len(shared), 1), 1)
    return Timeline(start, end, shared, _bin(packed, start, end, columns), False)


def _clip(run: Run, start: float, end: float) -> Run | None:
    if run.end < run.start or run.start > end or run.end < start:
        return None
    if run.start >= start and run.end <= end:
        return run
    return replace(run, start=max(run.start, start), end=min(run.end, end))


def _pack(runs: Sequence[Run]) -> tuple[list[Lane], list[tuple[int, Run]]]:
    """Each run with its lane: of its node, the first that is free when it begins."""
    free: dict[str, list[float]] = {}
    slots: list[tuple[str, int, Run]] = []
    for run in sorted(runs, key=lambda run: (run.start, run.end, run.index)):
        ends = free.setdefault(run.node, [])
        slot = next((n for n, until in enumerate(ends) if until <= run.start), len(ends))
        ends[slot : slot + 1] = [run.end]
        slots.append((run.node, slot, run))
    lanes = [Lane(node, n, node) for node in sorted(free) for n in range(len(free[node]))]
    number = {(lane.node, lane.slot): n for n, lane in enumerate(lanes)}
    return lanes, [(number[node, slot], run) for node, slot, run in slots]


def _share(
    lanes: Sequence[Lane], packed: list[tuple[int, Run]], most: int
) -> tuple[tuple[Lane, ...], list[tuple[int, Run]]]:
    """The same in at most so many lanes."""
    if len(lanes) <= most:
        return tuple(lanes), packed
    bounds = [n * len(lanes) // most for n in range(most)]
    groups = [lanes[a:b] for a, b in zip(bounds, [*bounds[1:], len(lanes)], strict=True)]
    shared = [replace(own[0], last=own[-1].node, slots=len(own)) for own in groups]
    return tuple(shared), [(bisect_right(bounds, lane) - 1, run) for lane, run in packed]


def _rect(lane: int, run: Run) -> Rect:
    return Rect(lane, run.start, run.end, run.state, run.end - run.start, 1, run.index)


def _with_waits(packed: Iterable[tuple[int, Run]], start: float) -> Iterable[Rect]:
    """The runs, each behind the time that it waited while nothing else kept its lane."""
    until: dict[int, float] = {}
    for lane, run in packed:
        since = until.get(lane, start)
        if run.start > since:
            yield Rect(lane, since, run.start, WAIT, 0.0, 0, run.index)
        yield _rect(lane, run)
        until[lane] = run.end


def _bin(
    packed: Iterable[tuple[int, Run]], start: float, end: float, columns: int
) -> tuple[Rect, ...]:
    """One rectangle for all that runs within a lane and a column."""
    width = (end - start) / columns or 1.0
    edges = [*(start + column * width for column in range(columns)), end]
    found: dict[tuple[int, int], Stretch] = {}
    for lane, run in packed:
        first = min(int((run.start - start) / width), columns - 1)
        last = min(int((run.end - start) / width), columns - 1)
        for column in range(first, last + 1):
            stretch = found.setdefault((lane, column), Stretch(run))
            stretch.add(run, edges[column], edges[column + 1])
    return tuple(
        one.rect(lane, edges[at], min(edges[at + 1], end)) for (lane, at), one in found.items()
    )


@dataclass(slots=True)
class Stretch:
    """What runs within a lane and a column."""

    worst: Run
    busy: float = 0.0
    runs: int = 0

    def rect(self, lane: int, left: float, right: float) -> Rect:
        """All of it as one rectangle, which looks like the worst."""
        return Rect(lane, left, right, self.worst.state, self.busy, self.runs, self.worst.index)

    def add(self, run: Run, left: float, right: float) -> None:
        """Count one more run, as far as it lies between the edges."""
        self.runs += 1
        self.busy += max(min(run.end, right) - max(run.start, left), 0.0)
        if run.state != self.worst.state and _rank(run) < _rank(self.worst):
            self.worst = run


def _rank(run: Run) -> int:
    return RANK.get(run.state, len(RANK))
