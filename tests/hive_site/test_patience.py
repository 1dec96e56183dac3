"""Bodies that come too slowly."""

import asyncio

import pytest

from hive_site.patience import Late, Patient

RATE = 1000


class Sender:
    """Sends what it is told, each piece after a rest in seconds."""

    def __init__(self, *pieces: tuple[float, bytes], ends: bool = True) -> None:
        self.pieces, self.ends = list(pieces), ends

    async def __call__(self):
        if not self.pieces:
            await asyncio.Event().wait()
        rest, body = self.pieces.pop(0)
        await asyncio.sleep(rest)
        more = bool(self.pieces) or not self.ends
        return {"type": "http.request", "body": body, "more_body": more}


def read(sender: Sender, *, seconds: float, times: int = 1) -> list[bytes]:
    async def play():
        receive = Patient(sender, seconds=seconds, bytes_per_second=RATE)
        return [(await receive())["body"] for _ in range(times)]

    return asyncio.run(play())


def test_a_body_in_time_comes_through():
    assert read(Sender((0, b"ab"), (0, b"c")), seconds=5, times=2) == [b"ab", b"c"]


def test_whoever_sends_nothing_is_not_waited_for():
    with pytest.raises(Late, match="1,000 bytes a second"):
        read(Sender((60, b"")), seconds=0.05)


def test_whoever_trickles_is_not_waited_for_either():
    trickle = [(0.02, b"x")] * 100

    with pytest.raises(Late):
        read(Sender(*trickle), seconds=0.2, times=100)


def test_what_keeps_coming_may_take_its_time():
    steady = [(0.02, b"x" * 100)] * 15

    assert len(read(Sender(*steady), seconds=0.1, times=15)) == 15


def test_after_the_body_nobody_is_in_a_hurry():
    class Done:
        """A whole body, and much later the word that the other side is gone."""

        said = False

        async def __call__(self):
            if self.said:
                await asyncio.sleep(0.1)
                return {"type": "http.disconnect"}
            self.said = True
            return {"type": "http.request", "body": b"all", "more_body": False}

    async def listen():
        receive = Patient(Done(), seconds=0.02)
        return [(await receive())["type"] for _ in range(2)]

    assert asyncio.run(listen()) == ["http.request", "http.disconnect"]
