"""One bare connection answers each question with its own answers, whatever came between."""

import pytest
from redis import Connection

from hive_site.kernel import redis as kernel
from hive_site.kernel.redis import AWAY, Direct, RedisError, pairs

SET, GET = ("SET", "hive:word", "hum"), ("GET", "hive:word")


class Broken(Exception):
    """What somebody outside raises into it."""


@pytest.fixture
def direct(broker):
    return Direct(broker.open())


def test_answers_come_in_the_order_of_the_questions(direct):
    assert direct.ask(SET, GET, ("STRLEN", "hive:word")) == [b"OK", b"hum", 3]
    assert direct.ask() == []


def test_a_refusal_is_raised_and_takes_no_answer_along(direct):
    with pytest.raises(RedisError, match="wrong kind"):
        direct.ask(SET, ("LPUSH", "hive:word", "x"), GET)

    assert direct.ask(GET, ("EXISTS", "hive:nothing")) == [b"hum", 0]


def test_a_map_reads_the_same_in_either_protocol(direct):
    [_, fields] = direct.ask(("HSET", "hive:hash", "a", 1, "b", 2), ("HGETALL", "hive:hash"))

    assert dict(pairs(fields)) == {b"a": b"1", b"b": b"2"}


def test_an_answer_that_was_not_read_passes_for_no_other(direct, monkeypatch):
    direct.ask(SET)

    def break_off(connection):
        raise Broken

    with monkeypatch.context() as broken:
        broken.setattr(kernel, "_answer", break_off)
        with pytest.raises(Broken):
            direct.ask(GET)

    assert direct.ask(("STRLEN", "hive:word")) == [3]


@pytest.fixture
def cut(real_broker):
    """One that speaks to a real server, and the verb that cuts its connection there."""
    direct, other = Direct(real_broker.open()), real_broker.open()
    [mine] = direct.ask(("CLIENT", "ID"))
    return direct, lambda: other.client_kill_filter(_id=mine)


@pytest.mark.processes
def test_a_connection_that_was_cut_while_it_rested_is_opened_anew(cut, monkeypatch):
    direct, cut_it = cut
    monkeypatch.setattr(kernel, "REST_SECONDS", 0.0)

    cut_it()

    assert direct.ask(SET, GET) == [b"OK", b"hum"]


@pytest.mark.processes
def test_nothing_is_sent_again_over_a_connection_that_was_cut_just_now(cut, monkeypatch):
    direct, cut_it = cut
    monkeypatch.setattr(kernel, "REST_SECONDS", 1e9)

    cut_it()

    with pytest.raises(AWAY):
        direct.ask(("INCR", "hive:count"))
    assert direct.ask(("INCR", "hive:count")) == [1]


@pytest.mark.processes
def test_after_an_outage_each_question_knocks_once(cut, monkeypatch):
    direct, cut_it = cut
    monkeypatch.setattr(kernel, "REST_SECONDS", 1e9)
    cut_it()
    with pytest.raises(AWAY):
        direct.ask(GET)
    knocks = []

    def refuse(connection):
        knocks.append(connection)
        raise ConnectionRefusedError

    monkeypatch.setattr(kernel, "REST_SECONDS", 0.0)
    monkeypatch.setattr(Connection, "_connect", refuse)
    for _ in range(3):
        with pytest.raises(AWAY):
            direct.ask(GET)

    assert len(knocks) == 3
