import pytest

from jobs.models import Job, Queue, Subtask
from jobs.services import submit_job
from jobs.verbs import held_by_pausing, stopped_by_cancelling, tried_again

pytestmark = pytest.mark.usefixtures("db", "redis")


def test_cancelling_says_what_runs_on_how_many_nodes_and_what_waits():
    job = submit_job(task="demo.echo", items=[1, 2, 3, 4, 5])
    for index, node in enumerate(["spore-1", "spore-1", "spore-2"]):
        Subtask.objects.filter(job=job, index=index).update(state="running", node=node)
    Job.objects.update(running=3, succeeded=1)
    job.refresh_from_db()

    assert stopped_by_cancelling([job]) == "Stops 3 subtasks on 2 nodes, and drops 1 that wait."


def test_the_figures_of_a_large_job_take_one_bounded_look(django_assert_num_queries):
    job = submit_job(task="demo.echo", items=[0] * 3000)
    Job.objects.update(running=1)
    job.refresh_from_db()

    with django_assert_num_queries(1) as asked:
        stopped_by_cancelling([job])

    assert "LIMIT 2000" in asked[0]["sql"]


def test_what_waits_alone_is_looked_for_nowhere(django_assert_num_queries):
    job = submit_job(task="demo.echo", items=[1, 2])

    with django_assert_num_queries(0):
        assert stopped_by_cancelling([job]) == "Stops 0 subtasks, and drops 2 that wait."


def test_retrying_counts_what_did_not_succeed():
    assert tried_again([Job(failed=2, cancelled=1)]) == "3 subtasks run again."


def test_pausing_a_queue_says_what_it_holds_back():
    submit_job(task="demo.echo", items=[1, 2])

    assert held_by_pausing([Queue(name="background")]) == "2 subtasks wait there, of 1 job."
