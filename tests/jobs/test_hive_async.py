"""The Hive from async code."""

import asyncio
import threading

import pytest
from asgiref.sync import sync_to_async

from jobs import hive
from jobs.models import Job

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
