import json

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from jobs import waiting
from jobs.waiting import Bell


class Deaf(Exception):
    """The bell went on after the noise, and this test is over."""


class Channel:
    """A Redis with one message on its channel; who comes back to listen is told to stop."""

    def __init__(self, data: bytes) -> None:
        self.data, self.visits = data, 0

    def pubsub(self, **also):
        self.visits += 1
        return self

    def subscribe(self, channel):
        """Fine."""

    def get_message(self, *, timeout):
        if self.visits > 1:
            raise Deaf
        return {"data": self.data}

    def close(self):
        """Fine."""


@pytest.mark.parametrize("noise", ["no JSON", "[]", "5", "null", json.dumps({"jobs": []})])
def test_noise_on_the_channel_makes_nobody_deaf(monkeypatch, noise):
    channel = Channel(noise.encode())
    monkeypatch.setattr(waiting, "connect", lambda url, **also: channel)
    monkeypatch.setattr(waiting, "AWAY_SECONDS", 0)

    bell = Bell()
    bell._followers["job_a"] = {print}

    with pytest.raises(Deaf):
        bell._listen()


class Gone:
    """A Redis that is away; after a few visits whoever waits for a job gives up."""

    def __init__(self, bell: Bell) -> None:
        self.bell, self.visits = bell, 0

    def pubsub(self, **also):
        return self

    def subscribe(self, channel):
        self.visits += 1
        if self.visits == 3:
            self.bell._waiting.clear()
        raise RedisConnectionError("refused")

    def close(self):
        """Fine."""


def test_an_outage_is_told_once_and_a_listener_without_waiters_ends(monkeypatch, caplog):
    bell = Bell()
    bell._waiting["job_a"] = 1
    gone = Gone(bell)
    monkeypatch.setattr(waiting, "connect", lambda url, **also: gone)
    monkeypatch.setattr(waiting, "AWAY_SECONDS", 0)

    bell._listen()

    assert gone.visits == 3
    assert [record.getMessage() for record in caplog.records] == ["event=bell.away error=refused"]
    assert bell._thread is None
