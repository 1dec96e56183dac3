"""How long a busy server asks to be left alone."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

#: Nobody's subtask waits for longer because of a server's whim.
LONGEST_SECONDS = 3600.0


def read_retry_after(value: str | None, *, now: datetime) -> float | None:
    """The seconds that a Retry-After header asks for (RFC 9110 §10.2.3), an hour at most.

    None if there is no header or it cannot be read.
    """
    text = (value or "").strip()
    if text.isdecimal():
        return min(float(text[:9]), LONGEST_SECONDS)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return min(max((at - now).total_seconds(), 0.0), LONGEST_SECONDS)
