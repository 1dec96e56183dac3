import json

import pytest

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

    with pytest.raises(Deaf):
        Bell()._listen()
