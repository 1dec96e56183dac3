"""What a job's timeline is made of."""

from datetime import timedelta

import pytest

from jobs.models import Job
from jobs.timeline import read_history
from tests.hive_site.pages.scenes import NOON, ended_job

pytestmark = pytest.mark.django_db
LATER = NOON + timedelta(hours=1)


def test_every_run_of_a_job_is_a_rectangle_on_a_lane_of_its_node():
    history = read_history(ended_job(9), LATER)

    runs = [rect for rect in history.timeline.rects if rect.runs]
    assert [(rect.index, rect.state) for rect in runs] == [(n, "succeeded") for n in range(9)]
    assert [lane.node for lane in history.timeline.lanes] == ["spore-0", "spore-1", "spore-2"]
    assert history.every == 1


def test_of_a_subtask_that_failed_the_last_try_is_the_failure():
    history = read_history(ended_job(1, failed=1), LATER)

    runs = [rect for rect in history.timeline.rects if rect.runs]
    assert sorted((rect.state, rect.start - NOON.timestamp()) for rect in runs) == [
        ("failed", 2),
        ("retrying", 1),
    ]


def test_what_runs_now_reaches_up_to_now():
    job = ended_job(1)
    Job.objects.update(state="running", finished_at=None)
    job.subtasks.update(state="running", finished_at=None)
    job.refresh_from_db()

    history = read_history(job, LATER)

    assert history.timeline.end == LATER.timestamp()
    assert history.timeline.rects[-1].end == LATER.timestamp()


def test_of_a_large_job_a_sample_is_read_that_is_spread_over_it():
    history = read_history(ended_job(100), LATER, most_rows=20)

    runs = [rect.index for rect in history.timeline.rects if rect.runs]
    assert history.every == 5
    assert runs == list(range(0, 100, 5))
