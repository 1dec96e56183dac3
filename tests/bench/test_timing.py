import pytest

from bench.timing import time_map, time_trips


class Slow:
    """Every answer takes some ticks of a clock that the test turns."""

    def __init__(self):
        self.now, self.log = 0.0, []

    def map(self, work, items):
        self.now += 3
        return list(items)

    def submit(self, work, item):
        self.now += 1
        self.log.append(f"submit {item}")
        return lambda: self._wait(item)

    def _wait(self, item):
        self.now += 2
        self.log.append(f"wait {item}")
        return item


@pytest.fixture
def client(monkeypatch):
    client = Slow()
    monkeypatch.setattr("time.perf_counter", lambda: client.now)
    return client


def test_a_map_lasts_until_its_results_are_in_hand(client):
    assert time_map(client, "noop", [1, 2]) == (3, [1, 2])


def test_trips_are_made_one_after_the_other(client):
    trips = time_trips(client, "noop", [7, 8])

    assert client.log == ["submit 7", "wait 7", "submit 8", "wait 8"]
    assert [(trip.accepted, trip.took, trip.result) for trip in trips] == [(1, 3, 7), (1, 3, 8)]
