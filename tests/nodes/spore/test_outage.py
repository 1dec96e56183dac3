"""What a Spore says while Redis does not let it in."""

import pytest
from redis.exceptions import AuthenticationError, NoPermissionError
from redis.exceptions import ConnectionError as RedisConnectionError
from structlog.testing import capture_logs

from nodes.spore.outage import LONGEST_REST_SECONDS, Outage, Resting

AWAY = RedisConnectionError("Connection refused")
REFUSED = AuthenticationError("invalid username-password pair or user is disabled.")


class Day:
    """An outage, and how often Redis is asked while it lasts."""

    def __init__(self) -> None:
        self.now, self.asked = 1000.0, 0
        self.outage = Outage(clock=lambda: self.now)

    def goes_on(self, error: Exception | None, *, seconds: float) -> None:
        until = self.now + seconds
        while self.now < until:
            with self.outage.endured(0.0):
                self.outage.refrain()
                self.asked += 1
                if error:
                    raise error
            self.now += 0.5


@pytest.fixture
def day():
    return Day()


def events(logs) -> list[str]:
    return [entry["event"] for entry in logs]


@pytest.mark.parametrize("error", [REFUSED, NoPermissionError("no")])
def test_whoever_is_refused_says_so_once_a_minute_and_asks_ever_less_often(day, error):
    with capture_logs() as logs:
        day.goes_on(error, seconds=110)

    assert events(logs) == ["redis.refused"] * 2
    assert "hive invite" in logs[0]["way_out"]
    assert day.asked < 110 / LONGEST_REST_SECONDS + 5


def test_while_redis_is_away_it_is_asked_as_ever(day):
    with capture_logs() as logs:
        day.goes_on(AWAY, seconds=50)

    assert events(logs) == ["redis.away"]
    assert day.asked == 100


def test_what_changes_is_said_at_once(day):
    with capture_logs() as logs:
        for error in (AWAY, REFUSED, None, AWAY):
            day.goes_on(error, seconds=10)

    assert events(logs) == ["redis.away", "redis.refused", "redis.back", "redis.away"]


def test_after_it_was_let_in_again_nobody_refrains(day):
    day.goes_on(REFUSED, seconds=30)
    day.goes_on(None, seconds=LONGEST_REST_SECONDS + 1)

    day.outage.refrain()


def test_a_fault_of_ours_comes_out(day):
    with pytest.raises(ZeroDivisionError):
        day.goes_on(ZeroDivisionError(), seconds=1)


def test_whoever_rests_is_told_apart_from_whoever_was_refused(day):
    day.goes_on(REFUSED, seconds=0.5)
    day.now -= 0.4

    with pytest.raises(Resting):
        day.outage.refrain()
