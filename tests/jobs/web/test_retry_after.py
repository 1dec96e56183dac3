"""What Retry-After may say."""

from datetime import UTC, datetime

import pytest

from jobs.web.retry_after import read_retry_after

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7),
        (" 0 ", 0),
        ("Thu, 01 Jan 2026 12:00:30 GMT", 30),
        ("Thu, 01 Jan 2026 11:00:00 GMT", 0),
        ("Thu, 01 Jan 2026 12:00:30 -0000", 30),
    ],
)
def test_seconds_and_dates_are_read(value, seconds):
    assert read_retry_after(value, now=NOON) == seconds


@pytest.mark.parametrize("value", ["86400", "9" * 400, "Fri, 02 Jan 2026 12:00:00 GMT"])
def test_nobody_waits_longer_than_an_hour(value):
    assert read_retry_after(value, now=NOON) == 3600


@pytest.mark.parametrize("value", [None, "", "soon", "-5", "1.5", "²"])
def test_what_cannot_be_read_leaves_it_to_the_task(value):
    assert read_retry_after(value, now=NOON) is None
