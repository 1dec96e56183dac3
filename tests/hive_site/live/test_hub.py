"""Viewers in one event loop: one look for all, the newest for each, nothing when nobody looks."""

import asyncio
import threading

import pytest
from django.db import OperationalError

from hive_site.live import hub as module
from hive_site.live.board import MOST_TEXTS
from hive_site.live.domain.protocol import Position
from hive_site.live.hub import Full, Hub
from jobs.reader_threads import READERS, in_thread
from nodes.picture import Picture
from tests.hive_site.live.cast import AT, PATIENCE, Library, Page, Studio, Written, until


@pytest.fixture
def library():
    return Library()


@pytest.fixture
def open_hub(library, monkeypatch):
    """A hub with pictures by hand, once in an event loop; it beats only at the beginning."""
    monkeypatch.setattr(module, "BEAT_SECONDS", 3600)

    def make(studio=None, **also):
        studio = studio or Studio()
        return Hub(
            open_pictures=lambda last: studio, open_topic=library.open, clock=lambda: AT + 1, **also
        )

    return make


def test_a_viewer_is_told_all_there_is_and_then_what_changes(open_hub, library):
    async def play():
        page = Page(open_hub()).watch("t")
        await page.shows("t", a=1)
        library["t"].write(a=1, b=2)
        await page.shows("t", a=1, b=2)
        library["t"].write(b=2)
        return await page.shows("t", b=2)

    assert asyncio.run(play()).wholes == [True, False, False]


def test_twenty_viewers_cost_one_look_and_get_the_very_same_text(open_hub, library):
    async def play():
        hub = open_hub()
        pages = [Page(hub).watch("t") for _ in range(20)]
        for page in pages:
            await page.shows("t", a=1)
        library["t"].write(a=2)
        for page in pages:
            await page.shows("t", a=2)
        return pages

    pages = asyncio.run(play())
    assert library["t"].looks == 2
    assert len({id(page.texts[-1]) for page in pages}) == 1


def test_a_slow_viewer_gets_the_newest_and_no_queue(open_hub, library):
    async def play():
        hub = open_hub()
        quick, slow = Page(hub).watch("t"), Page(hub).watch("t")
        await quick.shows("t", a=1)
        await slow.shows("t", a=1)
        before = len(slow.texts)
        for n in range(2, 50):
            library["t"].write(a=n)
            await quick.shows("t", a=n)
        await slow.shows("t", a=49)
        return len(slow.texts) - before

    assert asyncio.run(play()) == 1


def test_who_comes_back_is_told_the_difference(open_hub, library):
    async def play():
        hub = open_hub()
        first = await Page(hub).watch("t").shows("t", a=1)
        place = first.viewer.places["t"]
        hub.leave(first.viewer)
        library["t"].rows = {"a": 1, "b": 2}
        again = Page(hub).watch(t=place)
        again.rows["t"] = first.rows["t"]
        return await again.shows("t", a=1, b=2)

    assert asyncio.run(play()).wholes == [False]


def test_what_was_seen_before_a_rest_is_old_and_told_to_nobody(open_hub, library):
    async def play():
        hub = open_hub()
        first = await Page(hub).watch("t").shows("t", a=1)
        hub.leave(first.viewer)
        library["t"].rows = {"a": 2}
        again = await Page(hub).watch("t").until(lambda page: "t" in page.rows)
        return again.rows["t"]

    assert asyncio.run(play()) == {"a": 2}


def test_who_comes_after_a_rest_is_told_even_if_nothing_changed(open_hub, library):
    async def play():
        hub = open_hub()
        first = await Page(hub).watch("t").shows("t", a=1)
        hub.leave(first.viewer)
        return await Page(hub).watch("t").shows("t", a=1)

    assert asyncio.run(play()).wholes == [True]


def test_another_process_tells_everything_anew(open_hub, library):
    async def play():
        first = await Page(open_hub()).watch("t").shows("t", a=1)
        again = Page(open_hub()).watch(t=first.viewer.places["t"])
        return await again.shows("t", a=1)

    assert asyncio.run(play()).wholes == [True]


def test_nobody_looks_at_what_nobody_watches(open_hub, library):
    async def play():
        studio = Studio()
        hub = open_hub(studio)
        page = await Page(hub).watch("t").shows("t", a=1)
        page.watch()
        looks = library["t"].looks
        studio.show()
        await until(lambda: studio.reads == 2)
        hub.leave(page.viewer)
        studio.show()
        await until(lambda: studio.closed)
        return looks, studio.reads

    looks, reads = asyncio.run(play())
    assert (library["t"].looks, reads) == (looks, 2)
    assert not library["t"].rings


def test_every_picture_has_everything_watched_looked_at(open_hub, library):
    async def play():
        studio = Studio()
        page = await Page(open_hub(studio)).watch("t").shows("t", a=1)
        library["t"].rows = {"a": 2}
        studio.show()
        return await page.shows("t", a=2)

    asyncio.run(play())


def test_a_topic_that_there_is_not_is_said_and_the_others_go_on(open_hub):
    async def play():
        page = await Page(open_hub()).watch("no", "t").shows("t", a=1)
        return page.errors, list(page.viewer.places)

    assert asyncio.run(play()) == ({"no": "there is no topic 'no'"}, ["t"])


def test_what_is_gone_meanwhile_is_said_and_may_be_asked_for_again(open_hub, library):
    async def play():
        hub = open_hub()
        page = await Page(hub).watch("t").shows("t", a=1)
        library["t"].gone = True
        library["t"].write()
        await page.until(lambda page: page.errors == {"t": "it is no more"})
        library["t"].gone = False
        return await Page(hub).watch("t").shows("t")

    asyncio.run(play())


def test_an_outage_is_logged_once_and_passes(open_hub, library, caplog):
    async def play():
        page = await Page(open_hub()).watch("t").shows("t", a=1)
        library["t"].troubles = [OperationalError("away"), OperationalError("away")]
        looks = library["t"].looks
        for count in (1, 2):
            library["t"].write(a=2)
            await until(lambda seen=looks + count: library["t"].looks == seen)
        library["t"].write(a=3)
        return await page.shows("t", a=3)

    asyncio.run(play())
    assert caplog.text.count("live.away") == 1


def test_a_topic_that_breaks_takes_no_other_with_it(open_hub, library):
    async def play():
        page = await Page(open_hub()).watch("t", "u").shows("u", a=1)
        await page.shows("t", a=1)
        library["t"].troubles = [KeyError("broken")]
        library["t"].write(a=2)
        library["u"].write(a=2)
        await page.shows("u", a=2)
        library["t"].write(a=3)
        return await page.shows("t", a=3)

    asyncio.run(play())


def test_a_topic_that_stays_broken_is_logged_once(open_hub, library, caplog):
    async def play():
        page = await Page(open_hub()).watch("t").shows("t", a=1)
        topic = library["t"]
        topic.troubles = [KeyError("broken") for _ in range(3)]
        while topic.troubles:
            before = topic.looks
            topic.write(a=2)
            await until(lambda before=before: topic.looks > before)
        topic.write(a=3)
        await page.shows("t", a=3)

    asyncio.run(play())
    assert caplog.text.count("live.broken") == 1


def test_looks_that_take_long_keep_nobody_else_waiting(open_hub, monkeypatch):
    over = threading.Event()

    class Slow(Written):
        def read(self, picture, now):
            over.wait(PATIENCE)
            return super().read(picture, now)

    async def play():
        hub = open_hub()
        monkeypatch.setattr(hub, "_open_topic", lambda name: Slow())
        page = Page(hub).watch(*(f"t{n}" for n in range(READERS + 1)))
        await page.until(lambda page: page.texts)
        return await asyncio.wait_for(in_thread(lambda: "read"), PATIENCE / 2)

    try:
        assert asyncio.run(play()) == "read"
    finally:
        over.set()


def test_a_beat_says_how_old_the_picture_is(open_hub):
    async def play():
        page = Page(open_hub())
        await page.until(lambda page: page.texts)
        return page.texts[0]

    assert asyncio.run(play()) == '{"beat":{"at":1800000001.0,"age":1.0,"fresh":true}}'


def test_a_process_takes_so_many_viewers_and_no_more(open_hub):
    async def play():
        hub = open_hub(most_viewers=2)
        Page(hub)
        gone = Page(hub)
        with pytest.raises(Full, match="2 others"):
            hub.enter("bob")
        hub.leave(gone.viewer)
        Page(hub)
        return len(hub)

    assert asyncio.run(play()) == 2


def test_nobody_takes_the_places_of_all_others(open_hub):
    async def play():
        hub = open_hub(most_of_one=2)
        Page(hub, "ana")
        Page(hub, "ana")
        with pytest.raises(Full, match="ana looks 2 times already"):
            hub.enter("ana")
        Page(hub, "bob")
        return len(hub)

    assert asyncio.run(play()) == 3


def test_positions_that_a_client_makes_up_take_no_memory(open_hub, library):
    async def play():
        page = await Page(open_hub()).watch("t").shows("t", a=1)
        for n in range(2, 2 * MOST_TEXTS):
            library["t"].write(a=n)
            await page.shows("t", a=n)
        board = page.hub._boards["t"]
        for seq in range(2 * MOST_TEXTS):
            page.watch(t=Position(board._place.feed, seq)).take()
        return len(board._texts)

    assert asyncio.run(play()) <= MOST_TEXTS


def test_in_another_event_loop_it_begins_anew(open_hub, library):
    hub = None

    async def play():
        nonlocal hub
        hub = hub or open_hub()
        hub._open_pictures = lambda last: Studio()
        await Page(hub).watch("t").shows("t", a=1)
        return len(hub)

    assert [asyncio.run(play()), asyncio.run(play())] == [1, 1]


def test_whoever_comes_while_the_last_pictures_are_let_go_of_sees_new_ones(open_hub):
    class Slow(Studio):
        """Redis takes its time to be let go of."""

        closing = asyncio.Event()
        let_go = asyncio.Event()

        async def close(self):
            self.closing.set()
            await self.let_go.wait()
            self.closed = True

    async def play():
        studio = Slow()
        hub = open_hub(studio)
        first = await Page(hub).watch("t").shows("t", a=1)
        hub.leave(first.viewer)
        studio.show()
        await studio.closing.wait()

        second = Page(hub).watch("t")
        reads = studio.reads
        studio.let_go.set()
        await second.shows("t", a=1)
        await until(lambda: studio.reads > reads)

    asyncio.run(asyncio.wait_for(play(), PATIENCE))


def test_after_a_time_without_viewers_the_age_of_the_last_picture_is_still_known(
    library, monkeypatch
):
    monkeypatch.setattr(module, "BEAT_SECONDS", 0.0)
    now, known = [AT], []

    def open_pictures(last):
        known.append(last)
        return studio

    async def leave(page):
        page.hub.leave(page.viewer)
        studio.show()
        await until(lambda: all(task.done() for task in page.hub._tasks.values()))

    async def play():
        hub = Hub(open_pictures=open_pictures, open_topic=library.open, clock=lambda: now[0])
        first = await Page(hub).until(lambda page: page.texts)
        await leave(first)
        now[0] += 60

        second = Page(hub)
        second.take()
        told_at_once = list(second.texts)
        await second.until(lambda page: page.texts)
        await leave(second)
        return told_at_once, second.texts[0]

    studio = Studio()
    at_once, told = asyncio.run(asyncio.wait_for(play(), PATIENCE))
    assert at_once == []  # what was said to the first viewer is old by a minute
    assert told == '{"beat":{"at":1800000060.0,"age":60.0,"fresh":false}}'
    assert known == [Picture(), studio.picture]


def test_only_so_many_boards_are_kept_for_those_who_come_back(open_hub, monkeypatch):
    monkeypatch.setattr(module, "MOST_AT_REST", 2)

    async def play():
        hub = open_hub()
        page = Page(hub)
        for name in "abcd":
            await page.watch(name).shows(name, a=1)
        page.watch()
        return list(hub._boards)

    assert asyncio.run(play()) == ["c", "d"]


def test_a_closing_process_rings_everybody(open_hub):
    async def play():
        hub = open_hub()
        page = Page(hub)
        await page.until(lambda page: page.texts)
        hub.close()
        async with asyncio.timeout(20):
            await page.viewer.rest()
        return hub.closing

    assert asyncio.run(play())


def test_a_grid_comes_whole_and_then_by_its_changes(open_hub, library):
    async def play():
        page = Page(open_hub())
        library["t"].grid = bytes([1] * 32)
        await page.watch("t").shows("t", a=1)
        library["t"].cells = {3: 5, 4: 5}
        library["t"].write(a=2)
        return await page.shows("t", a=2)

    texts = [text for text in asyncio.run(play()).texts if "grid" in text]
    assert '"grid":{"whole":"AQEB' in texts[0]
    assert texts[1].endswith('"set":{"a":2},"gone":[],"grid":{"set":{"5":[3,4]}}}')
