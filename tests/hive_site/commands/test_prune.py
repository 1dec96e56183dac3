import json
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from jobs.models import Blob, Job, Subtask
from jobs.services import submit_job

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def old_job(redis):
    """A job that ended two hours ago, with a large item that nothing else refers to."""
    job = submit_job(task="demo.echo", items=["p" * 70_000, *range(9)])
    ended = timezone.now() - timedelta(hours=2)
    Subtask.objects.update(state="cancelled")
    Job.objects.update(state="cancelled", cancelled=10, finished_at=ended)
    Blob.objects.update(last_used_at=ended)
    return job


def prune(*flags):
    """The exit code of `hive prune`."""
    with pytest.raises(SystemExit) as end:
        call_command("hive", "prune", *flags)
    return end.value.code or 0


def test_nothing_goes_before_its_time(old_job, capsys):
    assert prune() == 0

    assert (capsys.readouterr().out, Subtask.objects.count()) == ("nothing is too old\n", 10)


def test_a_dry_run_only_counts(old_job, capsys):
    assert prune("--dry-run", "--older-than", "3600") == 0

    assert capsys.readouterr().out == "would be deleted: 1 results\n"
    assert (Subtask.objects.count(), Blob.objects.count()) == (10, 1)


def test_results_go_and_then_what_only_they_referred_to(old_job, capsys):
    assert prune("--older-than", "3600", "--json") == 0

    answer = json.loads(capsys.readouterr().out)
    assert answer["pruned"]["results"] == 1
    assert answer["pruned"]["stored values"] == 1
    assert (Subtask.objects.count(), Blob.objects.count()) == (0, 0)
    assert Job.objects.get().kept == "row"


@pytest.mark.parametrize("age", ["-1", "soon", "nan", "inf", "1e11", "1e300"])
def test_an_age_that_is_none_is_wrong_use(age, capsys, db):
    assert prune(f"--older-than={age}") == 2

    assert "--older-than" in capsys.readouterr().err
