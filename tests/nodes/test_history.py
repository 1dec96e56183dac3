"""What is remembered of the last minutes, hours and days."""

import json
from datetime import timedelta
from math import nan

import fakeredis
import pytest

from hive_site.kernel.errors import Invalid, NotFound
from nodes import history, inbox, wire
from nodes.domain.series import COARSE, FINE, METRICS, Interval, Level, Strip
from nodes.models import HistoryChunk, Node
from tests.nodes.cast import START

pytestmark = pytest.mark.django_db
AT = int(START.timestamp())
WIDTH = len(METRICS["cluster"])


@pytest.fixture(autouse=True)
def nexus(redis):
    return redis


def keep(values: dict[int, float], *, scope: str = "cluster", level: Level = FINE) -> None:
    """A chunk with these values in all metrics, by seconds since the start."""
    strip = Strip(scope, level, AT + min(values))
    width = len(METRICS[scope.partition("/")[0]])
    for at, value in values.items():
        strip.put(Interval(level, AT + at, [value] * width))
    HistoryChunk.objects.create(
        scope=scope, step=level.step, start=strip.start, data=bytes(strip.data)
    )


def tell(redis, *seconds: float, scope: str = "cluster") -> None:
    """Seconds of which Redis knows."""
    width = len(METRICS[scope.partition("/")[0]])
    for second in seconds:
        redis.rpush(wire.SECONDS, json.dumps({"at": AT + second, scope: [second] * width}))


def look(window: str, *, scope: str = "cluster", after: float) -> history.Chart:
    return history.read(scope, window, START + timedelta(seconds=after))


def known(chart: history.Chart, metric: str) -> dict[float, float]:
    pairs = zip(chart.at, chart.values[metric], strict=True)
    return {at - AT: value for at, value in pairs if value is not None}


def test_an_hour_has_a_point_every_ten_seconds_and_gaps_where_nothing_is_known():
    keep({0: 1.0, 10: 2.0, 40: 3.0})

    chart = look("1h", after=55)

    assert (chart.step, len(chart.at)) == (10, 360)
    assert (chart.at[0] - AT, chart.at[-1] - AT) == (50 - 3590, 50)
    assert known(chart, "depth") == {0: 1.0, 10: 2.0, 40: 3.0}
    assert chart.values.keys() == set(METRICS["cluster"])


def test_a_day_is_thinned_by_means():
    keep({10 * n: float(n) for n in range(18)})

    chart = look("24h", after=180)

    assert (chart.step, len(chart.at)) == (90, 960)
    assert known(chart, "depth") == {0: 4.0, 90: 13.0}
    assert known(chart, "oldest_wait") == {0: 8.0, 90: 17.0}


def test_a_month_is_read_from_five_minutes():
    keep({0: 1.0, 300: 3.0}, level=COARSE)

    chart = look("30d", after=3000)

    assert (chart.step, len(chart.at)) == (2700, 960)
    assert list(known(chart, "cpu").values()) == [2.0]


def test_chunks_of_two_leaders_are_one_history():
    keep({0: 1.0, 10: 1.0, 20: 1.0})
    keep({20: 2.0, 30: 2.0})

    assert known(look("1h", after=60), "cpu") == {0: 1.0, 10: 1.0, 20: 2.0, 30: 2.0}


def test_what_lies_before_the_window_is_left_out():
    keep({0: 1.0, 600: 2.0})

    assert known(look("1h", after=3700), "cpu") == {600: 2.0}


def test_the_last_minutes_of_the_cluster_are_shown_second_by_second(redis):
    tell(redis, 0.0, 1.01, 2.02)

    chart = look("15m", after=3)

    assert (chart.step, chart.at) == (1, [AT, AT + 1.01, AT + 2.02])
    assert chart.values["depth"] == [0.0, 1.01, 2.02]


def test_seconds_in_which_nobody_led_are_a_gap(redis):
    tell(redis, 0.0, 1.0, 9.0)

    chart = look("15m", after=10)

    assert chart.values["depth"] == [0.0, 1.0, None, 9.0]
    assert chart.at == [AT, AT + 1, AT + 2, AT + 9]


def test_seconds_before_the_window_are_left_out(redis):
    tell(redis, 0.0, 100.0)

    assert look("15m", after=901).at == [AT + 100]


@pytest.mark.parametrize("scope", ["queue/background", "cluster"])
def test_a_redis_that_forgot_leaves_ten_seconds(redis, scope):
    keep({0: 1.0, 10: 2.0}, scope=scope)
    tell(redis, 500.0, scope=scope)

    chart = look("15m", scope=scope, after=510)

    assert (chart.step, len(chart.at)) == (10, 90)
    assert known(chart, "depth") == {0: 1.0, 10: 2.0}


def test_a_redis_that_is_away_leaves_ten_seconds(monkeypatch):
    away = fakeredis.FakeServer()
    away.connected = False
    monkeypatch.setattr(inbox, "_hurried", fakeredis.FakeRedis(server=away))
    keep({0: 1.0})

    chart = look("15m", after=10)

    assert known(chart, "depth") == {0: 1.0}


def test_a_node_is_shown_by_ten_seconds(redis):
    Node.objects.create(name="a")
    keep({0: 0.5, 10: nan}, scope="node/a")
    tell(redis, 0.0)

    chart = look("15m", scope="node/a", after=20)

    assert (chart.step, known(chart, "cpu")) == (10, {0: 0.5})
    assert chart.values.keys() == {"cpu", "memory", "received", "sent", "tasks"}


def test_nothing_remembered_is_nothing_but_gaps():
    chart = look("1h", after=0)

    assert known(chart, "cpu") == {}


@pytest.mark.parametrize("scope", ["", "node", "queue/", "cluster/a", "cluster/", "job/1"])
def test_a_scope_that_is_none_is_refused(scope):
    with pytest.raises(Invalid, match="give cluster, queue/NAME or node/NAME") as refusal:
        look("1h", scope=scope, after=0)

    assert refusal.value.field == "scope"


def test_a_window_that_is_none_is_refused():
    with pytest.raises(Invalid, match="'2h'; give one of 15m, 1h, 24h, 30d") as refusal:
        look("2h", after=0)

    assert refusal.value.field == "window"


@pytest.mark.parametrize("scope", ["queue/nowhere", "node/nobody"])
def test_who_does_not_exist_has_no_history(scope):
    with pytest.raises(NotFound, match=scope.partition("/")[2]):
        look("1h", scope=scope, after=0)
