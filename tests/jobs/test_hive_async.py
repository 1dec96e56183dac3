"""The Hive from async code."""

import asyncio
import threading

import pytest
from asgiref.sync import sync_to_async

from jobs import hive, waiting
from jobs.models import Job
from jobs.waiting import Bell
from tests.jobs.webhooks.receiver import wait_until

TWINS = ("amap_reduce", "aparallel_execute", "aget_task_status", "asubmit", "acancel")


@pytest.mark.parametrize("name", TWINS)
def test_every_verb_has_a_twin_that_says_the_same_of_itself(name):
    assert getattr(hive, name).__doc__ == getattr(hive, name.removeprefix("a")).__doc__


@pytest.mark.django_db(transaction=True)
def test_a_map_that_waits_holds_up_nobody_else(redis, monkeypatch):
    waiting, ended = threading.Event(), threading.Event()

    def wait_for_jobs(jobs, *, timeout):
        waiting.set()
        assert ended.wait(60)

    def end_all():
        assert waiting.wait(60)
        Job.objects.update(state="succeeded")
        ended.set()

    async def both():
        await asyncio.gather(hive.amap_reduce("demo.echo", []), sync_to_async(end_all)())

    monkeypatch.setattr(hive, "wait_for_jobs", wait_for_jobs)

    asyncio.run(both())

    assert ended.is_set()


class Silent(Bell):
    """Never rings: whoever waits looks into the database once in a while."""

    def _start(self):
        pass


@pytest.fixture
def crowd(redis, monkeypatch):
    """Starts so many maps, and returns once all of them wait."""
    bell = Silent()
    monkeypatch.setattr(waiting, "bell", bell)

    async def gather(count):
        maps = [asyncio.create_task(hive.amap_reduce("demo.echo", [1])) for _ in range(count)]
        while len(bell._waiting) < count:
            await asyncio.sleep(0.01)
        return maps

    yield gather
    wait_until(lambda: not bell._waiting)


def end_all_jobs():
    Job.objects.update(state="succeeded")


@pytest.mark.django_db(transaction=True)
def test_a_map_that_is_cancelled_leaves_nobody_waiting(crowd):
    async def main():
        [one] = await crowd(1)
        one.cancel()
        with pytest.raises(asyncio.CancelledError):
            await one

    asyncio.run(main())

    wait_until(lambda: not waiting.bell._waiting)


@pytest.mark.django_db(transaction=True)
def test_however_many_wait_a_job_is_submitted_and_cancelled_at_once(crowd):
    async def main():
        maps = await crowd(70)
        job = await asyncio.wait_for(hive.asubmit("demo.echo", [1]), 20)
        cancelled = await asyncio.wait_for(hive.acancel(job.pk), 20)
        await sync_to_async(end_all_jobs)()
        await asyncio.gather(*maps)
        return cancelled.state

    assert asyncio.run(main()) == "cancelling"
