"""Values in buckets that only grow."""

from hypothesis import given
from hypothesis import strategies as st

from nodes.domain.histogram import Histogram


@given(st.lists(st.tuples(st.floats(0, 100), st.integers(1, 5)), max_size=30))
def test_every_value_is_in_each_bucket_that_holds_it(values):
    histogram = Histogram((1.0, 10.0))

    for value, times in values:
        histogram.add(value, times=times)

    told = histogram.tell()
    assert told["count"] == sum(times for _, times in values)
    assert told["buckets"] == [
        (end, sum(times for value, times in values if value <= end)) for end in (1.0, 10.0)
    ]
    assert abs(told["sum"] - sum(v * t for v, t in values)) < 1e-3


def test_clocks_that_differ_count_as_nothing():
    histogram = Histogram((1.0,))

    histogram.add(-5.0)

    assert histogram.tell() == {"count": 1, "sum": 0.0, "buckets": [(1.0, 1)]}
