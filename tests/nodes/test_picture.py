import json

import pytest

from nodes import inbox, wire
from nodes.picture import FRESH_SECONDS, Picture, glimpse, look

AT = 1_800_000_000.0


def test_a_picture_is_fresh_for_five_seconds():
    picture = Picture({"at": AT})

    assert picture.is_fresh(AT + FRESH_SECONDS - 0.1)
    assert not picture.is_fresh(AT + FRESH_SECONDS)
    assert picture.age(AT + FRESH_SECONDS) == FRESH_SECONDS


def test_what_is_drawn_counts_while_it_is_fresh():
    picture = Picture({"at": AT, "slots": 8})

    assert picture.current(AT)["slots"] == 8
    assert picture.current(AT + FRESH_SECONDS) == {}


def test_a_clock_that_is_behind_makes_nobody_older_than_now():
    assert Picture({"at": AT}).age(AT - 3) == 0.0


def test_before_the_first_foreman_there_is_an_empty_one(redis):
    assert look() == Picture()


def test_without_redis_there_is_an_empty_one_that_says_why(redis, monkeypatch):
    monkeypatch.setattr(inbox, "_hurried", None)  # a new one finds nobody listening

    picture = look()

    assert picture.facts == {}
    assert picture.away
    assert not picture.is_fresh(AT)


def test_a_glimpse_is_kept_for_half_a_second(redis, monkeypatch):
    clock = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    seen = []
    for clock[0] in (100.0, 100.4, 100.5):
        redis.set(wire.SNAPSHOT, json.dumps({"at": clock[0]}))
        seen.append(glimpse().facts["at"])

    assert seen == [100.0, 100.0, 100.5]


@pytest.mark.parametrize("text", [b"\x80\x05.", b"{", b"[1]", b'{"at": "now"}', b"{}}", b"7"])
def test_what_is_no_picture_is_told_and_harms_nobody(redis, text):
    redis.set(wire.SNAPSHOT, text)

    picture = look()

    assert (picture.facts, picture.away) == ({}, "what is there is no picture")
