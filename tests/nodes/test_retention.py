from dataclasses import replace
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.utils import timezone

from nodes.audit import record
from nodes.login_links import make_login_link
from nodes.models import LoginLink
from nodes.retention import STAGES, count_due

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def now(settings):
    """Of everything there is one whose time is over and one whose time is not."""
    settings.HIVE = replace(settings.HIVE, audit_ttl=int(10 * DAY.total_seconds()))
    now = timezone.now()
    for _ in range(2):
        make_login_link("http://nexus")
    user = get_user_model().objects.get()
    for key, days in (("old", -1), ("new", 1)):
        Session.objects.create(session_key=key, session_data="", expire_date=now + days * DAY)
        record(user, user, key)
    LogEntry.objects.filter(change_message="old").update(action_time=now - 11 * DAY)
    LoginLink.objects.filter(pk=LoginLink.objects.first().pk).update(expires_at=now - DAY)
    return now


def test_what_is_due_is_counted_and_goes_and_the_rest_stays(now):
    assert count_due(now) == {"audit rows": 1, "sessions": 1, "login links": 1}

    assert [stage(now, 100) for stage in STAGES.values()] == [1, 1, 1]

    assert set(count_due(now).values()) == {0}
    assert Session.objects.get().session_key == "new"
    assert LogEntry.objects.get().change_message == "new"
    assert LoginLink.objects.count() == 1


def test_no_more_goes_than_was_said(now):
    assert [stage(now, 0) for stage in STAGES.values()] == [0, 0, 0]
