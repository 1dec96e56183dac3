"""When a running attempt must be asked to end, and when its process is killed. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from nodes.spore.board import CANCEL, FENCE, HANDOVER, MEMORY, NONE, TIMEOUT, Work

#: How long a task may take to end after it was asked, before its process is killed.
PATIENCE_SECONDS = {CANCEL: 2.0, TIMEOUT: 5.0, FENCE: 0.0, MEMORY: 0.0, HANDOVER: 0.0}
#: An agent that was not heard for so long is about to be given up (after 45 s): what must not run
#: twice ends. Longer than a heartbeat and a pause of 30 s, which must cost nothing.
FENCE_SECONDS = 35.0


class Act(StrEnum):
    """What the agent does to a slot."""

    LEAVE = "leave"
    ASK = "ask"
    KILL = "kill"


@dataclass(frozen=True, slots=True)
class Asked:
    """That an attempt was asked to end: why, when on the monotonic clock, and how for people."""

    attempt: int
    why: int
    at: float
    how: str = ""


def decide(work: Work, asked: Asked | None, *, cancelled: bool, now: float) -> tuple[Act, int]:
    """What to do about a slot's work now, and why (CANCEL or TIMEOUT)."""
    if not work.busy or not work.attempt:
        return Act.LEAVE, NONE
    if asked and asked.attempt == work.attempt:
        late = now - asked.at >= PATIENCE_SECONDS[asked.why]
        return (Act.KILL if late else Act.LEAVE), asked.why
    if cancelled:
        return Act.ASK, CANCEL
    if now >= work.limit:
        return Act.ASK, TIMEOUT
    return Act.LEAVE, NONE
