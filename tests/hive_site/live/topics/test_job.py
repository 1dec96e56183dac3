"""A job and its grid: after every look the grid is what the rows say."""

from random import Random

import pytest
from django.db import connection

from hive_site.kernel.errors import NotFound
from hive_site.live.topics import job_grid as module
from hive_site.live.topics.job import OneJob, error_text
from jobs.astir import IS_ASTIR
from jobs.domain.grid import draw
from jobs.domain.states import ASTIR, Kept
from jobs.models import Job, Subtask
from jobs.services import cancel_job, release_subtask, retry_job
from nodes.picture import Picture
from tests.hive_site.live.cast import AT, draw_node
from tests.hive_site.live.cast import draw as draw_picture
from tests.jobs.stage import fresh

EMPTY = Picture()


class Silence:
    """A bell that nobody rings."""

    def __init__(self):
        self.followed = []

    def follow(self, job, ring):
        self.followed.append((job, ring))

    def unfollow(self, job, ring):
        self.followed.remove((job, ring))


class Watcher:
    """Keeps a grid as a page does: the whole once, then what changed."""

    def __init__(self, job):
        self.topic = OneJob(job.pk, bell=Silence())
        self.cells, self.wholes, self.row = b"", 0, {}

    def look(self, picture=EMPTY, now=AT):
        look = self.topic.read(picture, now)
        self.row = look.rows["job"]
        if look.grid is not None:
            self.cells, self.wholes = look.grid, self.wholes + 1
        cells = bytearray(self.cells)
        for index, byte in look.cells.items():
            cells[index] = byte
        self.cells = bytes(cells)
        return look


def grid(job):
    rows = Subtask.objects.filter(job=job, role="map").order_by("index")
    return draw(rows.values_list("state", flat=True))


def picture_of(job, *indexes):
    work = [
        {
            "job": job.pk,
            "index": index,
            "task": "demo.echo",
            "items": 1,
            "reduce": False,
            "started_at": "2027-01-15T08:00:00+00:00",
        }
        for index in indexes
    ]
    return Picture(draw_picture(nodes=[draw_node(work=work)]))


@pytest.mark.parametrize("seed", range(3))
def test_whatever_happens_to_a_job_its_grid_follows(stage, seed):
    random = Random(seed)
    job = stage.submit(40, retries=1)
    watcher = Watcher(job)
    for _ in range(300):
        stage.tidy(after=60)
        stage.send()
        for spore in stage.spores:
            if not stage.redis.llen(f"rq:queue:{spore.name}"):
                continue
            bundle = spore.pop()
            for position in range(len(bundle.items)):
                kind = random.choice(["fail", "succeed", "succeed", "crash"])
                if kind == "succeed":
                    spore.succeed(bundle, position)
                elif kind == "fail":
                    spore.happen(bundle, "fail", position)
                else:
                    spore.crash(bundle, position)
                    break
                if random.random() < 0.3:
                    stage.read()
                    watcher.look()
                    assert watcher.cells == grid(job)
            spore.end(bundle)
        stage.read()
        watcher.look()
        assert watcher.cells == grid(job)
        if fresh(job).finished_at:
            break

    assert fresh(job).finished_at
    assert watcher.row["state"] == fresh(job).state
    assert sum(watcher.row["states"].values()) == 40


def test_a_look_without_news_reads_little_and_says_nothing(stage, django_assert_max_num_queries):
    watcher = Watcher(stage.submit(40))
    watcher.look()

    with django_assert_max_num_queries(3):
        look = watcher.look()

    assert (look.grid, look.cells) == (None, {})


def test_the_grid_is_read_whole_only_once(stage, monkeypatch):
    monkeypatch.setattr(module, "MOST_ENDED", 1)
    job = stage.submit(40)
    watcher = Watcher(job)
    watcher.look()
    while not fresh(job).finished_at:
        stage.run()
        watcher.look()

    assert (watcher.wholes, watcher.cells) == (1, grid(job))


def test_if_very_much_ended_at_once_all_is_read(stage, monkeypatch):
    monkeypatch.setattr(module, "MOST_ENDED", 1000)
    job = stage.submit(40)
    watcher = Watcher(job)
    watcher.look()
    while not fresh(job).finished_at:
        stage.run()
    watcher.look()

    assert (watcher.wholes, watcher.cells) == (2, grid(job))


def test_a_large_job_is_read_in_pieces(stage, monkeypatch):
    monkeypatch.setattr(module, "ROWS_AT_ONCE", 7)
    job = stage.submit(40)
    watcher = Watcher(job)

    watcher.look()

    assert watcher.cells == grid(job)


def test_what_a_slot_has_in_hand_runs_before_the_database_says_so(stage):
    job = stage.submit(4)
    watcher = Watcher(job)

    watcher.look(picture_of(job, 2))
    assert list(watcher.cells) == [1, 1, 3, 1]
    assert watcher.row["states"] == {"waiting": 3, "running": 1}

    watcher.look(picture_of(job, 3))
    assert list(watcher.cells) == [1, 1, 1, 3]


def test_what_has_ended_does_not_run_any_more(stage):
    job = stage.submit(1)
    stage.run()
    watcher = Watcher(job)

    watcher.look(picture_of(job, 0))

    assert list(watcher.cells) == [5]


def test_a_retry_by_hand_begins_a_new_grid(stage):
    job = stage.submit(3, retries=0)
    watcher = Watcher(job)
    stage.send()
    spore, bundle = stage.bundle()
    for position in range(len(bundle.items)):
        spore.happen(bundle, "fail", position)
    spore.end(bundle)
    stage.read()
    while not fresh(job).finished_at:
        stage.run()
    watcher.look()
    assert 6 in watcher.cells

    retry_job(job_id=job.pk)
    watcher.look()

    assert watcher.cells == grid(job)
    assert 6 not in watcher.cells


def test_a_subtask_that_is_let_out_of_quarantine_is_seen(stage):
    job = stage.submit(2)
    watcher = Watcher(job)
    watcher.look()
    Subtask.objects.filter(job=job, index=0).update(state="quarantined", seq=99)
    Job.objects.filter(pk=job.pk).update(failed=1)
    watcher.look()
    assert list(watcher.cells) == [8, 1]

    release_subtask(job_id=job.pk, index=0)
    for _ in range(3):
        watcher.look()

    assert list(watcher.cells) == [1, 1]


def test_a_cancelled_job_is_seen_to_end(stage):
    job = stage.submit(3)
    watcher = Watcher(job)
    watcher.look()

    cancel_job(job_id=job.pk)
    stage.hint(job, "cancel")
    stage.read()
    watcher.look()

    assert watcher.cells == grid(job)
    assert watcher.row["state"] == fresh(job).state


def test_a_job_whose_results_were_deleted_has_no_grid(stage):
    job = stage.submit(1)
    stage.run()
    Job.objects.filter(pk=job.pk).update(kept=Kept.ROW)

    watcher = Watcher(job)
    watcher.look()

    assert (watcher.cells, watcher.wholes, watcher.row["states"]) == (b"", 1, {})


def test_there_is_no_job_of_another_name(db):
    with pytest.raises(NotFound, match="no job has the id 'other'"):
        OneJob("other", bell=Silence()).read(EMPTY, AT)


def test_it_says_why_a_job_waits(stage):
    watcher = Watcher(stage.submit(1))
    watcher.look()

    assert watcher.row["waiting_for"].startswith("no Foreman leads")


def test_who_watches_is_woken_by_the_bell_of_the_job(stage):
    topic = Watcher(stage.submit(1)).topic

    topic.open(print)
    assert topic._bell.followed == [(topic.subject, print)]
    topic.close()
    assert topic._bell.followed == []


def test_a_job_that_takes_long_to_look_at_is_looked_at_less_often(stage):
    times = iter([100.0, 100.1])
    topic = OneJob(stage.submit(1).pk, bell=Silence(), clock=lambda: next(times))

    topic.read(EMPTY, AT)

    assert topic.pace == pytest.approx(0.5)


def test_an_error_is_told_in_a_line_and_not_at_any_length():
    assert error_text(None) is None
    assert error_text('{"type": "KeyError", "message": "x", "traceback": "…"}') == "KeyError: x"
    assert len(error_text('{"type": "E", "message": "%s", "traceback": ""}' % ("x" * 9999))) == 2000


def test_what_is_under_way_is_found_by_its_index(stage):
    job = stage.submit(10)
    rows = Subtask.objects.filter(job=job, role="map").filter(IS_ASTIR)

    assert all(f"'{state}'" in IS_ASTIR.sql for state in ASTIR)
    if connection.vendor == "sqlite":
        assert "USING INDEX subtask_astir" in rows.explain()
