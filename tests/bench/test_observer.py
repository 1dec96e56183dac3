import pytest

from bench.observer import Stretch, estimate


def picture(at, *, count, total, buckets, longest=0.0):
    return {"at": at, "loop": {"count": count, "sum": total, "buckets": buckets, "max": longest}}


def test_a_quantile_lies_within_its_bucket():
    buckets = [(0.01, 50), (0.1, 100)]

    assert estimate(buckets, 100, 0.5) == pytest.approx(0.01)
    assert estimate(buckets, 100, 0.75) == pytest.approx(0.055)
    assert estimate(buckets, 100, 0.99) == pytest.approx(0.0982)


def test_beyond_the_last_bucket_nothing_is_made_up():
    assert estimate([(0.01, 0), (0.1, 1)], 100, 0.99) == 0.1


def test_a_stretch_tells_only_what_was_added_in_it():
    first = picture(100.0, count=10, total=5.0, buckets=[(0.01, 0), (0.1, 10)], longest=9.0)
    last = picture(110.0, count=110, total=6.0, buckets=[(0.01, 100), (0.1, 110)], longest=0.008)
    stretch = Stretch([first, last], [1.0, 4.0], [50_000_000, 60_000_000])

    told = stretch.describe()

    assert (told["steps"], told["cpu"], told["rss"]) == (10.0, pytest.approx(30.0), 60.0)
    assert (told["loop_p50"], told["loop_max"]) == (pytest.approx(5.0), pytest.approx(10.0))
    assert told["loop_busy"] == pytest.approx(10.0)
