"""A file comes whole over any line, or it does not come; never something else in its place."""

import hashlib
from random import Random

import pytest

from ota.spore.failures import Failed
from ota.spore.fetching import Fetcher, Wanted, deadline_for
from tests.ota.spore.desk import (
    Clock,
    add_bytes,
    crawl,
    cut_after,
    flip_a_byte,
    hang_up,
    ignore_range,
    refuse,
    send_another_file,
)

DATA = Random(1).randbytes(300_000)
SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def wanted(tmp_path):
    return Wanted(tmp_path / "packages" / f"{SHA256}.zip", frozenset({SHA256}), len(DATA))


@pytest.fixture
def fetch(desk, wanted, clock):
    desk.add_package(DATA)
    client = desk.client()

    def run(seconds=60.0, luck=None, progress=lambda fraction: None):
        fetcher = Fetcher(clock.pace(luck), progress)
        return fetcher.fetch(
            wanted, lambda start: client.open_package(SHA256, start, SHA256), seconds=seconds
        )

    return run


def begin(wanted, data):
    wanted.part.parent.mkdir(parents=True)
    wanted.part.write_bytes(data)


def test_a_file_comes_whole_and_tells_how_far_it_is(fetch, wanted):
    told = []

    assert fetch(progress=told.append).read_bytes() == DATA
    assert not wanted.part.exists()
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_a_file_that_is_here_is_not_fetched_again(fetch, desk):
    fetch()
    before = desk.times("packages")

    fetch()

    assert desk.times("packages") == before


def test_a_file_that_was_changed_here_is_fetched_again(fetch, wanted):
    fetch()
    wanted.target.write_bytes(b"x" * len(DATA))

    assert fetch().read_bytes() == DATA


def test_a_connection_that_is_cut_goes_on_where_it_was(fetch, desk):
    desk.faults["packages"] = [cut_after(100_000), hang_up, refuse(503)]

    assert fetch().read_bytes() == DATA
    assert desk.asked[-1][1] == "bytes=100000-"


def test_what_another_process_began_is_gone_on_with(fetch, desk, wanted):
    begin(wanted, DATA[:200_000])

    assert fetch().read_bytes() == DATA
    assert [asked for _, asked in desk.asked] == ["bytes=200000-"]


def test_a_file_that_was_begun_and_is_whole_needs_no_nexus(fetch, desk, wanted):
    begin(wanted, DATA)

    assert fetch().read_bytes() == DATA
    assert not desk.asked


def test_what_was_begun_wrong_is_begun_anew(fetch, desk, wanted):
    begin(wanted, b"x" * 1000)

    assert fetch().read_bytes() == DATA
    assert [asked for _, asked in desk.asked] == ["bytes=1000-", ""]


def test_what_was_begun_too_long_is_begun_anew(fetch, desk, wanted):
    begin(wanted, DATA + b"more")

    assert fetch().read_bytes() == DATA
    assert [asked for _, asked in desk.asked] == [""]


@pytest.mark.parametrize("fault", [ignore_range, send_another_file, refuse(416), refuse(408)])
def test_a_nexus_that_does_not_go_on_where_it_was_asked_to_does_no_harm(fetch, desk, wanted, fault):
    begin(wanted, DATA[:1000])
    desk.faults["packages"] = [fault]

    assert fetch().read_bytes() == DATA


def test_a_nexus_that_sends_the_whole_again_is_heard_only_once(fetch, desk, wanted):
    begin(wanted, DATA[:1000])
    desk.faults["packages"] = [ignore_range]

    fetch()

    assert desk.times("packages") == 1


def test_another_byte_deletes_all_of_it(fetch, desk, wanted):
    desk.faults["packages"] = [flip_a_byte]

    with pytest.raises(Failed, match="SHA-256 is") as fact:
        fetch()

    assert fact.value.code == "download"
    assert not any(wanted.target.parent.iterdir())


def test_not_a_byte_more_than_was_signed_is_kept(fetch, desk, wanted):
    desk.faults["packages"] = [add_bytes]

    with pytest.raises(Failed, match=f"longer than the {len(DATA)} bytes") as fact:
        fetch()

    assert fact.value.code == "download"
    assert not any(wanted.target.parent.iterdir())


def test_whoever_is_told_to_come_back_later_does(fetch, desk, clock):
    desk.faults["packages"] = [refuse(503, Retry_After="9"), refuse(429)]

    assert fetch().read_bytes() == DATA
    assert clock.rests[0] == 9.0


def test_rests_grow_up_to_a_minute_and_are_never_the_same(fetch, desk, clock):
    class Unlucky(Random):
        """Always draws the longest."""

        def uniform(self, a, b):
            return b

    desk.faults["packages"] = [refuse(503)] * 9

    assert fetch(seconds=1000, luck=Unlucky()).read_bytes() == DATA
    assert clock.rests == [2, 4, 8, 16, 32, 60, 60, 60, 60]


def test_a_nexus_that_stays_away_ends_it_in_time_and_leaves_what_came(fetch, desk, wanted, clock):
    desk.faults["packages"] = [cut_after(5000), *[hang_up] * 1000]

    with pytest.raises(Failed, match="not whole after 60 s") as fact:
        fetch()

    assert (fact.value.code, fact.value.permanent) == ("download", False)
    assert clock.now <= 60
    assert wanted.part.read_bytes() == DATA[:5000]


def test_one_byte_a_second_is_given_up_after_twenty_seconds_and_asked_for_anew(fetch, desk, clock):
    clock.tick = 1.0
    desk.faults["packages"] = [crawl(clock)]

    assert fetch(seconds=300).read_bytes() == DATA
    (_, first), (_, second) = desk.asked
    assert first == ""
    assert 10 <= int(second.removeprefix("bytes=").removesuffix("-")) <= 25


def test_a_line_just_fast_enough_still_has_to_meet_the_deadline(fetch, clock):
    clock.tick = 30.0

    with pytest.raises(Failed, match="not whole after 60 s"):
        fetch()


def test_a_refusal_ends_it_at_once(fetch, desk, clock):
    desk.faults["packages"] = [refuse(404)]

    with pytest.raises(Failed, match="404 not now") as fact:
        fetch()

    assert fact.value.code == "download"
    assert not clock.rests


def test_large_files_get_more_time():
    assert deadline_for(1) == 60
    assert deadline_for(100 * 1024 * 200) == 200


def test_a_file_of_unknown_size_has_a_cap_and_is_never_gone_on_with(desk, tmp_path, clock):
    desk.files["wheels"]["a.whl"] = DATA
    client = desk.client()
    wanted = Wanted(tmp_path / "a.whl", frozenset({SHA256}), at_most=len(DATA))
    small = Wanted(tmp_path / "b.whl", frozenset({SHA256}), at_most=100)
    wanted.part.write_bytes(DATA[:50])

    found = Fetcher(clock.pace()).fetch(wanted, lambda start: client.wheel("a.whl"), seconds=60)

    assert found.read_bytes() == DATA
    with pytest.raises(Failed, match="longer than the 100 bytes"):
        Fetcher(clock.pace()).fetch(small, lambda start: client.wheel("a.whl"), seconds=60)
