"""Why jobs wait, as their leader sees it. Pure."""

from collections.abc import Iterable

from jobs.domain.backlog import Line

#: So many jobs are told why they wait; whoever asks about others learns less.
MOST = 200
TAKEN = "every slot is taken"
MAX_CHARS = 300


def why_lines_wait(lines: Iterable[Line], *, most: int = MOST) -> dict[str, str]:
    """A reason for each job that has something to send and cannot, by the order of their turns."""
    waiting = [line for line in lines if line.ready and not (line.held or line.stopped)]
    waiting.sort(key=_turn)
    reasons: dict[str, str] = {}
    ahead = level = 0
    turn: tuple[int, int] | None = None
    for line in waiting[:most]:
        if _turn(line) != turn:
            ahead, level, turn = ahead + level, 0, _turn(line)
        reasons[line.order.job] = _reason(line, ahead)[:MAX_CHARS]
        # Whoever can be placed nowhere stands in nobody's way.
        level += 0 if line.fits_nowhere else max(line.remaining - line.in_flight, 0)
    return reasons


def _turn(line: Line) -> tuple[int, int]:
    return line.order.rank, -line.order.priority


def _reason(line: Line, ahead: int) -> str:
    if line.fits_nowhere or not ahead:
        return line.awaiting_room or TAKEN
    subtasks = "subtask" if ahead == 1 else "subtasks"
    return f"behind {ahead} {subtasks} of higher priority; {line.awaiting_room or TAKEN}"
