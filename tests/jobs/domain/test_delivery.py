from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.domain.delivery import BACKOFF_SECONDS, JITTER, is_delivered, next_try


def wait(tries, status=500, *, retry_after=None, seed=1):
    return next_try(tries, status, retry_after=retry_after, random=Random(seed))


@pytest.mark.parametrize(
    ("status", "delivered"),
    [
        (200, True),
        (204, True),
        (299, True),
        (199, False),
        (300, False),
        (500, False),
        (None, False),
    ],
)
def test_what_a_2xx_says_is_delivered(status, delivered):
    assert is_delivered(status) is delivered


@given(st.integers(1, len(BACKOFF_SECONDS)), st.sampled_from([None, 302, 404, 500]), st.integers())
def test_each_try_waits_longer_by_its_own_share_of_chance(tries, status, seed):
    plain = BACKOFF_SECONDS[tries - 1]

    assert plain * (1 - JITTER) <= wait(tries, status, seed=seed) <= plain * (1 + JITTER)


def test_after_the_last_try_nobody_tries_any_more():
    assert wait(len(BACKOFF_SECONDS)) is not None
    assert wait(len(BACKOFF_SECONDS) + 1) is None


def test_who_wants_no_more_of_it_gets_no_more():
    assert wait(1, 410) is None


def test_what_the_receiver_asks_for_counts_if_it_is_longer():
    assert wait(1, 503, retry_after=100.0) == 100.0
    assert wait(4, 503, retry_after=1.0) > 400
