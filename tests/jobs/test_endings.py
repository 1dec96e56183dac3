from datetime import timedelta

import pytest
from django.utils import timezone

from jobs.endings import endings_since
from jobs.models import Job, Subtask
from jobs.services import submit_job

pytestmark = pytest.mark.django_db


def end(job: Job, index: int, state: str, *, node: str = "spore-1", seconds_ago: float = 1) -> None:
    at = timezone.now() - timedelta(seconds=seconds_ago)
    mine = Subtask.objects.filter(job=job, index=index)
    mine.update(state=state, node=node, finished_at=at, seq=index + 1)
    Job.objects.filter(pk=job.pk).update(started_at=at)


def test_good_and_bad_ends_are_told_with_their_node(redis):
    job = submit_job(task="demo.echo", items=[1, 2, 3])
    end(job, 0, "succeeded")
    end(job, 1, "quarantined", node="spore-2")

    told = [(each.node, each.good) for each in endings_since(timezone.now() - timedelta(minutes=1))]

    assert sorted(told) == [("spore-1", True), ("spore-2", False)]


def test_what_ended_before_or_was_cancelled_is_left_out(redis):
    job = submit_job(task="demo.echo", items=[1, 2, 3])
    end(job, 0, "succeeded", seconds_ago=120)
    end(job, 1, "cancelled", node="")

    assert list(endings_since(timezone.now() - timedelta(minutes=1))) == []
