"""Nodes that die again and again rest for a while, longer each time. Pure; Unix seconds."""

from collections.abc import Sequence

#: So many losses within the window, and the node rests.
LOSSES = 3
WINDOW_SECONDS = 600.0
FIRST_REST_SECONDS = 60.0
LONGEST_REST_SECONDS = 1800.0
REMEMBERED = 16


def remember(losses: Sequence[float], now: float) -> list[float]:
    """The node's losses with one more; those that no rest depends on are forgotten."""
    recent = [at for at in losses if now - at < WINDOW_SECONDS + LONGEST_REST_SECONDS]
    return [*recent, now][-REMEMBERED:]


def rests_until(losses: Sequence[float]) -> float:
    """When the node may work again; 0 if it never flapped. Each further loss doubles the rest."""
    if not losses:
        return 0.0
    streak = sum(1 for at in losses if losses[-1] - at < WINDOW_SECONDS)
    if streak < LOSSES:
        return 0.0
    rest = FIRST_REST_SECONDS * 2.0 ** (streak - LOSSES)
    return losses[-1] + min(rest, LONGEST_REST_SECONDS)
