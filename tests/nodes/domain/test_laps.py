import pytest

from nodes.domain.laps import BUCKETS, KEPT, Laps


def laps(*seconds) -> Laps:
    mine = Laps()
    for each in seconds:
        mine.add(each)
    return mine


def test_of_no_steps_nothing_took_any_time():
    told = laps().tell()

    assert (told["p50"], told["p99"], told["max"], told["count"], told["sum"]) == (0, 0, 0, 0, 0)


def test_quantiles_are_steps_that_were_measured():
    told = laps(*(n / 1000 for n in range(100, 0, -1))).tell()

    assert (told["p50"], told["p99"], told["max"]) == (0.05, 0.099, 0.1)


def test_what_took_long_is_forgotten_by_quantiles_and_counted_for_ever():
    told = laps(20.0, *[0.003] * KEPT).tell()

    assert (told["max"], told["count"]) == (0.003, KEPT + 1)
    assert told["sum"] == pytest.approx(20 + 0.003 * KEPT)


def test_each_bucket_counts_what_did_not_take_longer():
    told = laps(0.0005, 0.001, 0.0011, 99.0).tell()

    counts = dict(told["buckets"])
    assert (counts[0.001], counts[0.0025], counts[BUCKETS[-1]]) == (2, 3, 3)
    assert told["count"] == 4
