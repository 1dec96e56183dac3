"""What a slot is at, as its agent is to see it."""

from jobs.wire import Bundle
from nodes.spore.board import Work


def work_of(bundle: Bundle, attempt: int, begun: float) -> Work:
    """One item of a bundle, begun at a moment of the monotonic clock."""
    return Work(
        busy=True,
        attempt=attempt,
        started=begun,
        limit=begun + bundle.timeout,
        bundle=bundle.id,
        stop_token=bundle.stop_token,
        careful=not bundle.idempotent,
    )
