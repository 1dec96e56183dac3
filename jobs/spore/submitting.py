"""Jobs that a task submits, checked where the mistake is."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from hive_site.kernel.errors import Invalid, TooLarge
from jobs.domain.batch import MAX_CALLS, MAX_WISH_CHARS
from jobs.json_text import encode

#: A node's clock decides nothing: whether a deadline has passed is for the Foreman to say.
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def encode_wish(wish: Mapping[str, Any]) -> str:
    """The submission as JSON text. Raises `Invalid` with the field's name."""
    from jobs.validation import check_wish, known_tasks  # most tasks submit nothing

    check_wish(wish, now=LONG_AGO, find=known_tasks().get)
    text = encode({name: _plain(value) for name, value in wish.items()}, field="items")
    if len(text) > MAX_WISH_CHARS:
        rule = f"{MAX_WISH_CHARS:,} are allowed; submit several jobs, or hand down addresses"
        raise TooLarge(f"the job has {len(text):,} characters; {rule}", field="items")
    return text


def refuse_more(call: int) -> None:
    """Raises `Invalid` for one call too many."""
    if call >= MAX_CALLS:
        raise Invalid(f"one attempt may submit {MAX_CALLS:,} jobs; give one job more items")


def _plain(value: Any) -> Any:
    """What JSON has no word for, in words."""
    return value.isoformat() if isinstance(value, datetime) else value
