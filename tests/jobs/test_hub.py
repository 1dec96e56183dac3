"""Followers of a job in one event loop: everything once, one reading for all, nobody held up."""

import asyncio
import json

import pytest
from django.db import OperationalError

from hive_site.kernel.errors import Gone
from jobs import channel as channels
from jobs import hub as module
from jobs.channel import Page
from jobs.domain.following import Kind, Position, Record
from jobs.hub import Hub
from jobs.sse import HELLO, KEEP_ALIVE, render

#: For whatever ought to happen at once.
PATIENCE = 20


class Ringer:
    """A bell that is rung by hand."""

    def __init__(self):
        self.followers = {}

    def follow(self, job, ring):
        self.followers.setdefault(job, set()).add(ring)

    def unfollow(self, job, ring):
        self.followers[job].remove(ring)

    def ring(self, job="job"):
        for ring in self.followers[job]:
            ring()


class Book:
    """What was recorded of a job, and how often it was read."""

    def __init__(self):
        self.rows, self.over, self.gone = [], False, False
        self.reads, self.page, self.troubles, self.told = [], 3, [], {}

    def write(self, *values):
        for value in values:
            position = Position(len(self.rows) + 1, Kind.RESULT, 1)
            self.rows.append(Record(position, json.dumps(value)))

    def read(self, job, after):
        self.reads.append(after)
        if self.troubles:
            raise self.troubles.pop()
        rows = [row for row in self.rows if row.position > after]
        chosen = rows[: self.page]
        whole = chosen == rows
        end = chosen[-1].position if chosen else after
        state = None if self.gone else json.dumps({"n": len(self.rows), "over": self.over})
        final = '{"id":"job"}' if whole and self.over else None
        return Page(render(chosen), end, whole, not self.over, state, final)

    def look(self, jobs):
        return self.told


class Follower:
    """Follows, as a task of its own."""

    def __init__(self, hub, after=None):
        self.parts, self.pace = [], asyncio.Event()
        self.pace.set()
        self.task = asyncio.create_task(self._run(hub, after or Position()))

    async def _run(self, hub, after):
        stream = hub.follow("job", after)
        try:
            async for part in stream:
                self.parts.append(part)
                await self.pace.wait()
        finally:
            await stream.aclose()

    def events(self, *names):
        """What it was told under these names."""
        found = []
        for block in b"".join(self.parts).decode().split("\n\n"):
            fields = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line)
            if fields.get("event") in names:
                found.append((fields["event"], json.loads(fields["data"])))
        return found

    @property
    def results(self):
        return [data for _, data in self.events("result")]

    async def end(self):
        await asyncio.wait_for(self.task, PATIENCE)
        return self


async def until(holds):
    async with asyncio.timeout(PATIENCE):
        while not holds():
            await asyncio.sleep(0.002)


@pytest.fixture
def book():
    return Book()


@pytest.fixture
def bell():
    return Ringer()


@pytest.fixture
def hub(book, bell, monkeypatch):
    """A hub that only looks when it is rung for."""
    monkeypatch.setattr(module, "LOOK_AGAIN_SECONDS", 3600)
    monkeypatch.setattr(channels, "PAUSE_SECONDS", 0)
    monkeypatch.setattr(channels, "LONGEST_PAUSE_SECONDS", 0)
    monkeypatch.setattr(channels, "FLOOD_PAUSE_SECONDS", 0)
    return Hub(bell, read=book.read, look=book.look)


def test_a_follower_is_told_everything_that_there_is_and_then_the_end(hub, book):
    book.write(*range(10))
    book.over = True

    async def play():
        return await Follower(hub).end()

    follower = asyncio.run(play())
    assert follower.parts[0] == HELLO
    assert follower.results == list(range(10))
    assert follower.events("end") == [("end", {"id": "job"})]


def test_a_follower_is_told_what_is_recorded_as_soon_as_it_is_rung_for(hub, book, bell):
    async def play():
        follower = Follower(hub)
        await until(lambda: follower.events("state"))
        for n in range(3):
            book.write(n)
            bell.ring()
            await until(lambda n=n: follower.results == list(range(n + 1)))
        book.over = True
        bell.ring()
        return await follower.end()

    follower = asyncio.run(play())
    assert [data["n"] for _, data in follower.events("state")] == [0, 1, 2, 3, 3]


def test_a_follower_who_comes_back_is_told_the_rest(hub, book):
    book.write(*range(10))
    book.over = True

    async def play():
        return await Follower(hub, book.rows[6].position).end()

    assert asyncio.run(play()).results == [7, 8, 9]


def test_a_hundred_followers_cost_one_reading(hub, book, bell):
    async def play():
        crowd = [Follower(hub) for _ in range(100)]
        await until(lambda: all(each.events("state") for each in crowd))
        before = len(book.reads)
        book.write("news")
        book.over = True
        bell.ring()
        for each in crowd:
            await each.end()
        return before, crowd

    before, crowd = asyncio.run(play())
    assert before == 1
    assert len(book.reads) == before + 1
    assert all(each.results == ["news"] for each in crowd)


def test_a_message_that_was_lost_costs_a_second(hub, book, monkeypatch):
    monkeypatch.setattr(module, "LOOK_AGAIN_SECONDS", 0.01)

    async def play():
        follower = Follower(hub)
        await until(lambda: follower.events("state"))
        book.write("unheard")
        await until(lambda: follower.results)
        follower.task.cancel()

    asyncio.run(play())


def test_a_slow_follower_holds_up_no_other_and_misses_nothing(hub, book, bell):
    async def play():
        slow, fast = Follower(hub), Follower(hub)
        slow.pace.clear()
        await until(lambda: fast.events("state"))
        for n in range(30):
            book.write(n)
            bell.ring()
            await until(lambda n=n: len(fast.results) == n + 1)
        assert slow.results == []
        assert len(hub._channels["job"]._readings) <= channels.KEPT_PAGES
        book.over = True
        bell.ring()
        await fast.end()
        slow.pace.set()
        return await slow.end()

    assert asyncio.run(play()).results == list(range(30))


def test_large_pages_reach_a_connection_in_parts(hub, book, monkeypatch):
    monkeypatch.setattr(module, "PART_BYTES", 100)
    book.write("x" * 1000)
    book.over = True

    async def play():
        return await Follower(hub).end()

    follower = asyncio.run(play())
    assert follower.results == ["x" * 1000]
    assert sorted(map(len, follower.parts))[-3] <= 100  # state and end are whole


def test_while_nothing_happens_the_connection_is_kept_alive(hub, monkeypatch):
    monkeypatch.setattr(module, "KEEP_ALIVE_SECONDS", 0.05)
    # However often it is looked in vain.
    monkeypatch.setattr(module, "LOOK_AGAIN_SECONDS", 0.01)

    async def play():
        follower = Follower(hub)
        await until(lambda: follower.parts.count(KEEP_ALIVE) == 2)
        follower.task.cancel()

    asyncio.run(play())


def test_an_outage_of_the_database_is_waited_for(hub, book, monkeypatch):
    monkeypatch.setattr(module, "AWAY_SECONDS", 0.01)
    book.troubles = [OperationalError("away"), OperationalError("away")]
    book.write(1)
    book.over = True

    async def play():
        return await Follower(hub).end()

    assert asyncio.run(play()).results == [1]


def test_the_stream_of_a_job_that_is_no_more_breaks_off_and_does_not_look_whole(hub, book):
    book.gone = True

    async def play():
        return await Follower(hub).end()

    with pytest.raises(Gone, match="job job was deleted"):
        asyncio.run(play())


def test_who_goes_away_is_forgotten(hub, bell):
    async def play():
        followers = [Follower(hub), Follower(hub)]
        await until(lambda: all(each.events("state") for each in followers))
        count = len(hub)
        for each in followers:
            each.task.cancel()
        await until(lambda: not len(hub))
        return count

    assert asyncio.run(play()) == 2
    assert bell.followers == {"job": set()}


def test_when_the_process_ends_everybody_is_let_go(book, bell, monkeypatch):
    monkeypatch.setattr(module, "LOOK_AGAIN_SECONDS", 3600)
    farewells = []
    hub = Hub(bell, read=book.read, look=book.look, before_exit=farewells.append)

    async def play():
        followers = [Follower(hub), Follower(hub)]
        await until(lambda: all(each.events("state") for each in followers))
        [farewell] = farewells
        farewell()
        for each in followers:
            await each.end()
        return followers

    for follower in asyncio.run(play()):
        assert follower.events("end") == []


def test_progress_is_told_when_it_changes(hub, book, bell, monkeypatch):
    monkeypatch.setattr(module, "LOOK_AGAIN_SECONDS", 0.01)

    async def play():
        follower = Follower(hub)
        for told in ({"job": {0: "0.1"}}, {"job": {0: "0.2", 1: "0.5"}}, {}):
            book.told = told
            rows = told.get("job", {})
            await until(lambda rows=rows: len(hub) and hub._channels["job"].told == rows)
            bell.ring()
            await asyncio.sleep(0.03)
        book.over = True
        return await follower.end()

    assert [data for _, data in asyncio.run(play()).events("progress")] == [0.1, 0.2, 0.5]


def test_while_a_job_runs_telling_leaves_the_machine_to_others(hub, book, bell, monkeypatch):
    monkeypatch.setattr(channels, "PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(channels, "FLOOD_PAUSE_SECONDS", 0.05)
    book.page = 1
    book.write(*range(5))

    async def play():
        clock = asyncio.get_running_loop().time
        follower, begun = Follower(hub), clock()
        await until(lambda: len(follower.results) == 5)
        while_it_ran = clock() - begun
        book.over = True
        begun = clock()
        late = await Follower(hub).end()
        return while_it_ran, late

    while_it_ran, late = asyncio.run(play())
    assert while_it_ran > 4 * 0.04
    assert late.results == list(range(5))
