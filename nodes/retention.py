"""What people leave behind: who did what, sessions, login links. Deleted a little at a time."""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.db.models import QuerySet

from nodes.models import LoginLink


def old_audit(now: datetime) -> QuerySet[LogEntry]:
    """Rows of the audit that are older than `HIVE_AUDIT_TTL`."""
    ttl = timedelta(seconds=settings.HIVE.audit_ttl)
    return LogEntry.objects.filter(action_time__lt=now - ttl)


def forget_audit(now: datetime, limit: int) -> int:
    """Delete up to `limit` rows of the audit; how many."""
    # No index of their times: the oldest have the lowest numbers.
    oldest = LogEntry.objects.order_by("pk").values_list("pk", flat=True)[:limit]
    return old_audit(now).filter(pk__in=list(oldest)).delete()[0]


def forget_sessions(now: datetime, limit: int) -> int:
    """Delete up to `limit` sessions that are over; how many."""
    over = Session.objects.filter(expire_date__lt=now).values_list("pk", flat=True)[:limit]
    return Session.objects.filter(pk__in=list(over)).delete()[0]


def forget_login_links(now: datetime, limit: int) -> int:
    """Delete up to `limit` links that let nobody in any more; how many."""
    over = LoginLink.objects.filter(expires_at__lt=now).values_list("pk", flat=True)[:limit]
    return LoginLink.objects.filter(pk__in=list(over)).delete()[0]


STAGES: dict[str, Callable[[datetime, int], int]] = {
    "audit rows": forget_audit,
    "sessions": forget_sessions,
    "login links": forget_login_links,
}


def count_due(now: datetime) -> dict[str, int]:
    """How much of each is due now."""
    return {
        "audit rows": old_audit(now).count(),
        "sessions": Session.objects.filter(expire_date__lt=now).count(),
        "login links": LoginLink.objects.filter(expires_at__lt=now).count(),
    }
