"""What a queue looks like from aside: how old what waits is, and when nothing will wait."""

from collections.abc import Sequence
from enum import StrEnum
from itertools import chain, count

#: So many blocks a lane has room for.
ROOM = 60


class Mood(StrEnum):
    """What somebody who looks at a queue should know first."""

    UNKNOWN = "unknown"
    EMPTY = "empty"
    PAUSED = "paused"
    #: Something waits, and nothing leaves.
    STUCK = "stuck"
    DRAINING = "draining"
    STEADY = "steady"
    GROWING = "growing"


def time_to_drain(*, depth: int, into: float, out: float) -> float | None:
    """Seconds until a queue is empty at these rates per second; None if it does not drain."""
    if not depth:
        return 0.0
    return depth / (out - into) if out > into else None


def read_mood(*, depth: int, paused: bool, into: float | None, out: float | None) -> Mood:
    """What becomes of a queue if things go on so."""
    if paused:
        return Mood.PAUSED
    if not depth:
        return Mood.EMPTY
    if into is None or out is None:
        return Mood.UNKNOWN
    if not out:
        return Mood.STUCK
    if out > into:
        return Mood.DRAINING
    return Mood.STEADY if out == into else Mood.GROWING


def draw_blocks(ages: Sequence[int], room: int = ROOM) -> tuple[int, list[int]]:
    """How many subtasks one block stands for (1, 2, 5, 10, …), and blocks by age in a lane.

    Whatever waits has at least one block, so that a few old ones are never lost among many.
    """
    for each in _round_numbers():
        blocks = [-(-waiting // each) for waiting in ages]
        if sum(blocks) <= room:
            return each, blocks
    raise AssertionError("numbers have no end")


def _round_numbers() -> chain[int]:
    return chain.from_iterable((10**n, 2 * 10**n, 5 * 10**n) for n in count())
