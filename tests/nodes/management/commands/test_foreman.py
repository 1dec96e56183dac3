import signal
from dataclasses import replace
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import OperationalError
from redis.exceptions import ConnectionError as RedisConnectionError

from hive_site import wiring
from nodes.management.commands import foreman as command

REST = timedelta(seconds=0.001)


class Scripted:
    """A Foreman that plays one line of its script at each tick; at the end comes SIGTERM."""

    def __init__(self, *script: Exception | timedelta, leads: bool = True) -> None:
        self.script, self.leads = list(script), leads
        self.ticks, self.rests, self.stopped = 0, [], 0
        self.outages: list[Exception] = []

    def check_redis(self) -> None:
        pass

    def tick(self, now) -> timedelta:
        self.ticks += 1
        if not self.script:
            signal.raise_signal(signal.SIGTERM)
            return REST
        line = self.script.pop(0)
        if isinstance(line, Exception):
            raise line
        return line

    def wait(self, rest: timedelta) -> None:
        self.rests.append(rest)

    def suffer(self, outage: Exception) -> None:
        self.outages.append(outage)

    def stop(self) -> None:
        self.stopped += 1


@pytest.fixture(autouse=True)
def signals():
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, action in kept.items():
        signal.signal(number, action)


@pytest.fixture
def cast_as(monkeypatch):
    def cast(foreman):
        monkeypatch.setattr(wiring, "build_foreman", lambda: foreman)
        monkeypatch.setattr(command, "REST_AFTER_OUTAGE_SECONDS", 0.001)
        return foreman

    return cast


def run(**options) -> None:
    call_command("foreman", stderr=StringIO(), **options)


def test_once_is_one_step_without_rest(cast_as):
    foreman = cast_as(Scripted(REST, REST))

    run(once=True)

    assert (foreman.ticks, foreman.rests, foreman.stopped) == (1, [], 1)


def test_it_steps_and_rests_until_sigterm_and_then_gives_up_the_lease(cast_as):
    foreman = cast_as(Scripted(REST, 2 * REST))

    run()

    assert (foreman.ticks, foreman.stopped) == (3, 1)
    assert foreman.rests[:2] == [REST, 2 * REST]


def test_a_standby_does_not_read_the_leaders_mail(cast_as):
    foreman = cast_as(Scripted(REST, REST, leads=False))

    run()

    assert (foreman.ticks, foreman.rests) == (3, [])


@pytest.mark.parametrize(
    "outage",
    [
        OperationalError("database is locked"),
        RedisConnectionError("gone"),
        ConnectionError("reset"),
    ],
)
def test_an_outage_is_waited_out(db, cast_as, outage):
    foreman = cast_as(Scripted(outage, REST, outage))

    run()

    assert (foreman.ticks, foreman.stopped) == (4, 1)
    assert foreman.outages == [outage, outage]


def test_a_mistake_is_no_outage(cast_as):
    cast_as(Scripted(TypeError("a bug")))

    with pytest.raises(TypeError):
        run()


def test_a_lease_that_cannot_be_given_up_runs_out_by_itself(cast_as, monkeypatch):
    foreman = cast_as(Scripted(REST))

    def fail() -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr(foreman, "stop", fail)

    run()

    assert foreman.ticks == 2


def test_a_hive_that_is_switched_off_runs_no_foreman(cast_as, settings):
    foreman = cast_as(Scripted())
    settings.HIVE = replace(settings.HIVE, enabled=False)

    with pytest.raises(CommandError, match="ENABLE_HIVE is false; set it to true"):
        run()
    assert foreman.ticks == 0


def test_without_redis_it_says_where_it_looked_but_not_the_password(settings):
    settings.HIVE = replace(settings.HIVE, redis_url="redis://:s3cret@127.0.0.1:1/0")

    with pytest.raises(CommandError, match=r"no Redis at redis://\*\*\*@127.0.0.1:1/0 .* REDIS_U"):
        run()
