"""One byte per subtask: a whole job as a picture. `docs/states.md` tells the same in prose."""

from collections.abc import Iterable

from jobs.domain.states import SubtaskState

#: What a byte of the grid says. Bytes are never given another meaning.
BYTES = {
    SubtaskState.BLOCKED: 0,
    SubtaskState.WAITING: 1,
    SubtaskState.QUEUED: 2,
    SubtaskState.RUNNING: 3,
    SubtaskState.RETRYING: 4,
    SubtaskState.SUCCEEDED: 5,
    SubtaskState.FAILED: 6,
    SubtaskState.CANCELLED: 7,
    SubtaskState.QUARANTINED: 8,
}
_by_word = {str(state): byte for state, byte in BYTES.items()}


def draw(states: Iterable[str]) -> bytes:
    """The bytes of subtasks in these states."""
    return bytes(map(_by_word.__getitem__, states))
