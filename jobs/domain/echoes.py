"""Which endings of a batch count for their subtasks."""

from collections.abc import Callable
from dataclasses import replace

from jobs.domain.batch import Batch, Ending
from jobs.domain.flight import Flight
from jobs.domain.states import Outcome


def mistrust_interruptions(batch: Batch, is_stopped: Callable[[str], bool]) -> None:
    """What was interrupted though nobody cancels its job was meant by another: it is lost.

    The interruption was for a copy that lost its race, a zombie, or an earlier round of its job.
    """
    batch.endings = [
        replace(ending, outcome=Outcome.LOST)
        if ending.outcome is Outcome.CANCELLED and not is_stopped(ending.job)
        else ending
        for ending in batch.endings
    ]


def set_aside_echoes(batch: Batch, flight: Flight) -> None:
    """A failure counts only once no other attempt of its subtask is in flight.

    While another copy still works on it, the subtask's fate rests with that one.
    """
    ended: dict[int, int] = {}
    counted: list[Ending] = []
    for ending in batch.endings:
        subtask = ending.ready.subtask
        ended[subtask] = ended.get(subtask, 0) + 1
        last = ended[subtask] >= len(flight.copies(subtask))
        final = ending.outcome in (Outcome.SUCCEEDED, Outcome.CANCELLED) or last
        (counted if final else batch.echoes).append(ending)
    batch.endings = counted
