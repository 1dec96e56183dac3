"""Who did what to what: rows of Django's own log, which the admin shows."""

from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model

MAX_CHARS = 1_000


def record(user: Any, obj: Model, text: str, *, flag: int = CHANGE) -> None:
    """Keep that a user did something to a row, in words: "cancelled, 41 of 100 were open"."""
    LogEntry.objects.create(
        user_id=user.pk,
        content_type=ContentType.objects.get_for_model(obj, for_concrete_model=False),
        object_id=str(obj.pk),
        object_repr=str(obj)[:200],
        action_flag=flag,
        change_message=text[:MAX_CHARS],
    )
