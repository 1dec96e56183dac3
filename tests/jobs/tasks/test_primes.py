"""Counting primes in a range."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.outcomes import Fail
from jobs.tasks.primes import SEGMENT, count_primes
from tests.jobs.tasks.doubles import FakeContext


def slowly(start: int, stop: int) -> int:
    return sum(n > 1 and all(n % d for d in range(2, int(n**0.5) + 1)) for n in range(start, stop))


@given(start=st.integers(-50, 3000), length=st.integers(-10, 400))
def test_it_counts_what_trial_division_counts(start, length):
    assert count_primes(FakeContext(), [start, start + length]) == slowly(start, start + length)


def test_ranges_longer_than_a_segment_are_counted_whole():
    whole = count_primes(FakeContext(), [0, 2 * SEGMENT + 7])
    parts = [[0, 1000], [1000, SEGMENT + 1], [SEGMENT + 1, 2 * SEGMENT + 7]]

    assert whole == sum(count_primes(FakeContext(), part) for part in parts)


@pytest.mark.parametrize("item", [5, [1], [1, 2, 3], ["a", 2], [0, 10**15], None, [1.5, 2]])
def test_what_is_no_range_fails_for_good(item):
    with pytest.raises(Fail, match="start, stop"):
        count_primes(FakeContext(), item)
