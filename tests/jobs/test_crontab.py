"""Cron expressions in time zones, on the days on which clocks are set."""

from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_site.kernel.errors import Invalid
from jobs.crontab import check_cron, check_timezone, ticks_of

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
BERLIN = "Europe/Berlin"  # summer time from 29 March 2026 02:00 to 25 October 2026 03:00
ZONES = [BERLIN, "UTC", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Cairo"]


def times(cron, after, count, zone=BERLIN):
    return [at.strftime("%m-%d %H:%M") for at in islice(ticks_of(cron, zone)(after), count)]


def test_times_are_local_and_come_out_in_utc():
    summer, winter = datetime(2026, 7, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)

    assert times("30 6 * * *", summer, 1) == ["07-01 04:30"]
    assert times("30 6 * * *", winter, 1) == ["12-01 05:30"]


def test_what_falls_into_the_hour_that_is_left_out_runs_right_after_it():
    before = datetime(2026, 3, 28, 12, tzinfo=UTC)

    assert times("30 2 * * *", before, 2) == ["03-29 01:00", "03-30 00:30"]


def test_what_falls_into_the_hour_that_comes_twice_runs_once():
    before = datetime(2026, 10, 24, 12, tzinfo=UTC)

    assert times("30 2 * * *", before, 2) == ["10-25 00:30", "10-26 01:30"]


def test_it_does_not_run_again_for_who_asks_in_the_second_of_the_two_hours():
    second = datetime(2026, 10, 25, 1, 15, tzinfo=UTC)  # 02:15 for the second time

    assert times("30 2 * * *", second, 1) == ["10-26 01:30"]


def test_what_runs_every_half_hour_does_so_in_both_of_them():
    before = datetime(2026, 10, 25, 0, 0, tzinfo=UTC)

    assert times("*/30 * * * *", before, 4) == [
        "10-25 00:30",
        "10-25 01:00",
        "10-25 01:30",
        "10-25 02:00",
    ]


CRONS = st.sampled_from(
    [
        "* * * * *",
        "*/7 * * * *",
        "30 2 * * *",
        "0,30 2 * * *",
        "15 */3 * * *",
        "0 0 * * *",
        "59 23 L * *",
        "0 12 * * MON#1",
        "5 4 1-7 * *",
        "0 3 29 2 *",
        "45 1 * 3,10 SUN",
    ]
)


@given(
    cron=CRONS,
    zone=st.sampled_from(ZONES),
    after=st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),
)
def test_times_only_grow_and_follow_the_moment_asked_for(cron, zone, after):
    found = list(islice(ticks_of(cron, zone)(after), 50))

    assert found == sorted(set(found))
    assert found[0] > after
    assert all(at.tzinfo is UTC and not at.microsecond for at in found)


@given(
    cron=CRONS,
    zone=st.sampled_from(ZONES),
    after=st.datetimes(datetime(2026, 3, 1), datetime(2026, 4, 30), timezones=st.just(UTC))
    | st.datetimes(datetime(2026, 10, 1), datetime(2026, 11, 30), timezones=st.just(UTC)),
    skip=st.integers(0, 40),
)
def test_whoever_goes_on_from_a_time_finds_the_same_as_who_never_stopped(cron, zone, after, skip):
    ticks = ticks_of(cron, zone)
    whole = list(islice(ticks(after), skip + 5))

    assert list(islice(ticks(whole[skip]), 4)) == whole[skip + 1 :]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "* * * *",
        "* * * * * *",
        "60 * * * *",
        "a b c d e",
        "*/0 * * * *",
        "5-1 * * * *",
        None,
        5,
        "@daily",
        "0 0 30 2 *",
        "²L * * * *",
        "* * * * " + "1," * 200 + "1",
    ],
)
def test_what_means_no_time_is_refused_by_name(text):
    with pytest.raises(Invalid) as refused:
        check_cron(text, timezone="UTC", now=NOW)

    assert refused.value.field == "cron"


@given(st.text(alphabet="0123456789*/,-LW#? MONFRI²\0\n", max_size=30))
def test_any_text_is_an_expression_or_refused(text):
    try:
        cron = check_cron(text, timezone="UTC", now=NOW)
    except Invalid:
        return
    assert next(ticks_of(cron, "UTC")(NOW)) > NOW


def test_spaces_do_not_matter():
    assert check_cron("  0  2 * *\t*", timezone="UTC", now=NOW) == "0 2 * * *"


@pytest.mark.parametrize(
    "name", ["", "Europe", "../UTC", "Mars/Base", 5, None, "utc\0", "localtime", "Factory"]
)
def test_what_is_no_time_zone_is_refused_by_name(name):
    with pytest.raises(Invalid) as refused:
        check_timezone(name)

    assert refused.value.field == "timezone"


def test_a_leap_day_is_waited_for():
    found = next(ticks_of("0 3 29 2 *", "UTC")(NOW))

    assert found == datetime(2028, 2, 29, 3, tzinfo=UTC)
    assert found - NOW > timedelta(days=365)
