"""What attempts said is kept, once, with the number of its transaction; and so is every end."""

import json

import pytest

from hive_site.kernel.errors import Deposed
from jobs import speech
from jobs.models import Attempt, LogChunk, Partial, Subtask
from jobs.services import delete_job, release_subtask, retry_job
from tests.jobs.stage import depose, fresh, states


def log(text="hello\n", n=1):
    return {"kind": "log", "n": n, "text": text}


def part(value="1", n=1):
    return {"kind": "part", "n": n, "value": value}


def numbers(job):
    """The numbers of the ends of a job's subtasks."""
    rows = Subtask.objects.filter(job=job).order_by("index")
    return list(rows.values_list("seq", flat=True))


def test_what_an_attempt_says_is_kept_with_its_attempt_and_node(stage):
    job = stage.submit()
    spore, bundle = stage.bundle()

    spore.happen(bundle, **log())
    spore.happen(bundle, **part('{"a":1}'))
    stage.read()

    [chunk], [partial] = LogChunk.objects.all(), Partial.objects.all()
    for row in (chunk, partial):
        assert (row.job_id, row.subtask.index, row.attempt) == (job.pk, 0, bundle.first)
        assert (row.number, row.node, row.n) == (1, spore.name, 1)
        assert row.seq >> 32 == stage.leadership.epoch
    assert (chunk.text, partial.value) == ("hello\n", '{"a":1}')
    assert states(job) == ["waiting"]


def test_a_report_that_comes_twice_is_kept_once(stage):
    stage.submit()
    spore, bundle = stage.bundle()

    for _ in range(2):
        spore.happen(bundle, **log())
        spore.happen(bundle, **part())
    stage.read()
    spore.happen(bundle, **log("changed"))
    stage.read()

    assert list(LogChunk.objects.values_list("text", flat=True)) == ["hello\n"]
    assert Partial.objects.count() == 1


def test_what_a_failed_attempt_said_stays_beside_what_the_next_one_says(stage):
    job = stage.submit(retries=1)
    spore, bundle = stage.bundle()
    spore.happen(bundle, **part("1"))
    spore.happen(bundle)
    spore.end(bundle)
    stage.read()

    stage.tidy(after=60)
    spore, bundle = stage.bundle()
    spore.happen(bundle, **part("2"))
    spore.succeed(bundle)
    stage.read()

    assert states(job) == ["succeeded"]
    rows = Partial.objects.order_by("id").values_list("number", "value")
    assert list(rows) == [(1, "1"), (2, "2")]


def test_what_is_said_together_with_the_end_is_kept_too(stage):
    stage.submit()
    spore, bundle = stage.bundle()
    rows = [(bundle.first, 1.0, 2.0, "1")]

    spore.report(bundle=bundle.id, ok=rows, events=[{"k": "log", "a": bundle.first, **log()}])
    stage.read()

    assert LogChunk.objects.get().seq == Subtask.objects.get().seq


def test_the_last_words_of_a_process_stand_behind_all_that_it_said_itself(stage):
    from nodes.spore.crew import LAST

    job = stage.submit()
    spore, bundle = stage.bundle()
    spore.happen(bundle, **log(n=1, text="first\n"))
    spore.happen(bundle, **log(n=2, text="second\n"))
    stage.read()
    last = {"k": "log", "a": bundle.first, "n": LAST, "text": "last\n"}
    died = {"k": "died", "a": bundle.first, "why": "crashed", "how": "signal SIGSEGV"}

    spore.report(bundle=bundle.id, events=[last, died])
    spore.report(bundle=bundle.id, events=[last, died])
    stage.read()

    [said] = speech.attempt_logs(job.pk, 0)
    assert said["text"] == "first\nsecond\nlast\n"


def test_nobody_listens_to_copies_once_the_job_is_over(stage):
    job = stage.submit()
    spore, bundle = stage.bundle()
    stage.workload.distrust(spore.name, stage.now)
    other, copy = stage.bundle()
    other.succeed(copy)
    stage.read()
    delete_job(job_id=job.pk)

    spore.happen(bundle, **log())
    stage.read()

    assert not LogChunk.objects.exists()
    assert stage.workload.snapshot(stage.now)["dead_letters"] == 0


def test_whoever_follows_is_woken(stage):
    from tests.jobs.stage import listen

    job = stage.submit()
    spore, bundle = stage.bundle()
    ear = listen(stage)

    spore.happen(bundle, **log())
    stage.read()

    assert json.loads(ear.get_message()["data"]) == {"jobs": [job.pk], "ended": []}


def test_a_leader_that_leads_no_more_keeps_nothing(stage):
    stage.submit()
    spore, bundle = stage.bundle()
    spore.happen(bundle, **log())
    depose(stage)

    with pytest.raises(Deposed):
        stage.read()

    assert not LogChunk.objects.exists()


def test_with_a_job_goes_what_its_subtasks_said(stage):
    job = stage.submit()
    spore, bundle = stage.bundle()
    spore.happen(bundle, **log())
    spore.happen(bundle, **part())
    spore.succeed(bundle)
    stage.read()

    delete_job(job_id=job.pk)

    assert not LogChunk.objects.exists()
    assert not Partial.objects.exists()


def test_ends_are_numbered_in_the_order_in_which_they_are_recorded(stage):
    job = stage.submit(2, retries=0)
    stage.send()
    first, second = ((spore, spore.pop()) for spore in stage.spores)

    for (spore, bundle), act in ((second, spore_fails), (first, spore_succeeds)):
        act(spore, bundle)
        stage.read()

    ends = dict(Subtask.objects.filter(job=job).values_list("state", "seq"))
    assert ends["succeeded"] > ends["failed"] > stage.leadership.epoch << 32


def spore_fails(spore, bundle):
    spore.happen(bundle)
    spore.end(bundle)


def spore_succeeds(spore, bundle):
    spore.succeed(bundle)


def test_what_is_quarantined_is_numbered(stage):
    job = stage.submit()
    while states(job) != ["quarantined"]:
        spore, bundle = stage.bundle()
        assert numbers(job) == [0]
        spore.crash(bundle)
        stage.read()
        stage.tidy(after=60)

    assert numbers(job)[0] > 0


def test_what_is_cancelled_is_numbered(stage):
    from jobs.services import cancel_job

    job = stage.submit(2, reduce="demo.echo")

    cancel_job(job_id=job.pk)
    stage.hint(job, "cancel")

    assert states(job) == ["cancelled"] * 3
    assert min(numbers(job)) > 0


def test_the_numbers_of_a_later_leader_are_larger(stage):
    first, second = stage.submit(), stage.submit()
    spore, bundle = stage.bundle()
    spore.succeed(bundle)
    stage.read()

    stage.take_over()
    stage.run()

    ended, later = numbers(first) + numbers(second), fresh(second)
    assert later.state == "succeeded"
    assert ended[1] > ended[0]
    assert ended[1] >> 32 == stage.leadership.epoch


def test_what_has_not_ended_has_no_number_and_what_is_tried_again_by_hand_loses_it(stage):
    job = stage.submit(retries=0)
    assert numbers(job) == [0]
    spore, bundle = stage.bundle()
    spore.happen(bundle)
    spore.end(bundle)
    stage.read()
    before = numbers(job)

    retry_job(job_id=job.pk)

    assert before[0] > 0
    assert numbers(job) == [0]
    stage.hint(job)
    stage.run()
    assert numbers(job) > before


def test_what_is_released_loses_its_number(stage):
    job = stage.submit(2)
    Subtask.objects.filter(job=job, index=0).update(state="quarantined", seq=7)
    type(job).objects.filter(pk=job.pk).update(failed=1)

    release_subtask(job_id=job.pk, index=0)

    assert numbers(job) == [0, 0]
    assert not Attempt.objects.exists()
