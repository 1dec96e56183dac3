import re
from concurrent.futures import ThreadPoolExecutor

from hive_site.kernel import ids
from jobs.ids import new_job_id


def test_an_id_is_the_word_job_and_a_ulid():
    assert re.fullmatch(r"job_[0-7][0-9A-HJKMNP-TV-Z]{25}", new_job_id())


def test_each_id_is_greater_than_the_one_before():
    made = [new_job_id() for _ in range(10_000)]

    assert made == sorted(set(made))


def test_ids_made_at_once_are_different():
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: new_job_id(), range(2000)))

    assert len(set(made)) == 2000


def test_ids_go_on_growing_when_the_clock_goes_back(monkeypatch):
    before = new_job_id()
    monkeypatch.setattr(ids.time, "time_ns", lambda: 1_000_000)

    assert new_job_id() > before


def test_an_id_tells_when_it_was_made(monkeypatch):
    monkeypatch.setattr(ids, "_last", 0)
    monkeypatch.setattr(ids.time, "time_ns", lambda: 1_469_918_176_385 * 1_000_000)

    # a time from the tests of the reference implementation
    assert new_job_id().startswith("job_01ARYZ6S41")
