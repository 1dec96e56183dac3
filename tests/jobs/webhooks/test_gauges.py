"""How the telling of others goes, in figures."""

from datetime import UTC, datetime, timedelta

import pytest

from jobs.models import Delivery
from jobs.webhooks.gauges import EVERY, WebhookGauges

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


def deliver(name, state, *, hours):
    at = NOW - timedelta(hours=hours)
    ended = None if state == "pending" else at
    Delivery.objects.create(
        **{"id": name, "job": f"job_{name}", "round": 1, "url": "http://x", "host": "x"},
        **{"body": "", "state": state, "created_at": at, "ended_at": ended},
    )


def test_what_waits_and_what_ended_lately_is_counted():
    deliver("a", "pending", hours=2)
    deliver("b", "pending", hours=1)
    deliver("c", "delivered", hours=0.5)
    deliver("d", "failed", hours=0.2)
    deliver("e", "failed", hours=3)

    assert WebhookGauges().read(NOW) == {
        **{"pending": 2, "oldest_seconds": 7200.0},
        **{"delivered_last_hour": 1, "failed_last_hour": 1},
    }


def test_the_database_is_asked_now_and_then(django_assert_num_queries):
    gauges = WebhookGauges()

    with django_assert_num_queries(2):
        first, again = gauges.read(NOW), gauges.read(NOW + EVERY / 2)
    with django_assert_num_queries(2):
        later = gauges.read(NOW + EVERY)

    assert first is again
    assert first == later
    assert first["oldest_seconds"] == 0.0
