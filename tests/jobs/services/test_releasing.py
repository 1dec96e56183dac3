"""Giving a quarantined subtask another chance."""

import pytest

from hive_site.kernel.errors import Conflict
from jobs.models import Job, Subtask
from jobs.services import release_subtask
from tests.jobs.stage import fresh, states


def poisoned(stage, **wish):
    """A job of two items, of which the first killed its process too often."""
    job = stage.submit(2, **wish)
    Subtask.objects.filter(job=job, index=0).update(state="quarantined", seq=1, error="{}")
    Job.objects.filter(pk=job.pk).update(failed=1)
    stage.take_over()
    return job


def test_while_the_rest_is_reduced_it_is_refused_and_afterwards_all_is_reduced_anew(stage):
    job = poisoned(stage, reduce="demo.echo")
    spore, bundle = stage.bundle()
    spore.succeed(bundle, result='"one"')
    stage.read()
    spore, reduction = stage.bundle()

    with pytest.raises(Conflict, match="its reduction has begun; release it when the job has"):
        release_subtask(job_id=job.pk, index=0)

    assert states(job) == ["quarantined", "succeeded", "waiting"]
    spore.succeed(reduction, result='["one"]')
    stage.read()
    release_subtask(job_id=job.pk, index=0)
    assert states(job) == ["waiting", "succeeded", "blocked"]
    stage.hint(job, "again")
    stage.run(result='["zero", "one"]')
    assert (fresh(job).state, fresh(job).result) == ("succeeded", '["zero", "one"]')


def test_before_the_reduction_it_joins_the_rest(stage):
    job = poisoned(stage, reduce="demo.echo")

    release_subtask(job_id=job.pk, index=0)

    assert states(job) == ["waiting", "waiting", "blocked"]
    stage.hint(job, "again")
    stage.run()
    assert fresh(job).state == "succeeded"
