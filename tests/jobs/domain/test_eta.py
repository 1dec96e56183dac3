"""When a job will have ended."""

from jobs.domain.eta import WINDOW_SECONDS, Progress, estimate

START = 1000.0


def watch(*ended, every=5.0):
    progress = Progress()
    for n, count in enumerate(ended):
        progress.note(count, at=START + n * every)
    return progress


def test_the_rest_is_expected_at_the_pace_of_late():
    assert estimate(watch(0, 10, 20), total=100, started_at=START - 500) == 40.0


def test_an_old_pace_counts_for_nothing():
    slow_then_fast = watch(0, 1, *range(100, 1000, 100), every=WINDOW_SECONDS / 3)

    assert estimate(slow_then_fast, total=1900, started_at=START) == 100.0


def test_while_nothing_ended_lately_the_mean_pace_is_taken():
    assert estimate(watch(50, 50, 50), total=100, started_at=START - 90) == 100.0


def test_nobody_can_say_before_anything_ended():
    assert estimate(watch(0, 0), total=100, started_at=START) is None
    assert estimate(watch(0, 0), total=100, started_at=None) is None
    assert estimate(Progress(), total=100, started_at=START) is None


def test_one_look_says_nothing_of_the_pace():
    assert estimate(watch(10), total=100, started_at=START) is None


def test_what_has_ended_takes_no_more():
    assert estimate(watch(50, 100), total=100, started_at=START) == 0.0


def test_a_retry_by_hand_begins_anew():
    assert estimate(watch(90, 40, 50), total=100, started_at=None) == 25.0
