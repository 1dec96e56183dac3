import io

import pytest
from rich.console import Console

from hive_site.commands.watching import wait_for_job
from jobs import waiting
from jobs.models import Job
from jobs.services import submit_job

pytestmark = pytest.mark.django_db


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def job(redis):
    return submit_job(task="demo.echo", items=[1, 2, 3, 4]).pk


@pytest.fixture
def screen():
    return Console(file=io.StringIO(), force_terminal=True, width=80)


@pytest.fixture
def interrupt(monkeypatch):
    def pressed(jobs, *, timeout):
        raise KeyboardInterrupt

    monkeypatch.setattr(waiting, "wait_for_jobs", pressed)


def test_a_terminal_shows_how_far_the_job_is_until_it_has_ended(job, screen, monkeypatch):
    states = iter([("running", 1), ("succeeded", 4)])

    def step(jobs, *, timeout):
        state, succeeded = next(states)
        Job.objects.filter(pk=job).update(state=state, succeeded=succeeded)
        return state == "succeeded"

    monkeypatch.setattr(waiting, "wait_for_jobs", step)

    wait_for_job(job, seconds=60, console=screen)

    assert "demo.echo succeeded" in screen.file.getvalue()
    assert "4/4" in screen.file.getvalue()


def test_a_terminal_does_not_wait_longer_than_it_was_told(job, screen):
    wait_for_job(job, seconds=0.01, console=screen)

    assert Job.objects.get().state == "queued"


def test_nothing_is_drawn_elsewhere(job, monkeypatch):
    waits = []
    monkeypatch.setattr(waiting, "wait_for_jobs", lambda jobs, *, timeout: waits.append(timeout))
    file = io.StringIO()

    wait_for_job(job, seconds=7, console=Console(file=file))

    assert (waits, file.getvalue()) == ([7], "")


@pytest.mark.parametrize(("said", "state"), [("\n", "queued"), ("c\n", "cancelling")])
def test_ctrl_c_asks_on_a_terminal(job, screen, interrupt, monkeypatch, said, state):
    monkeypatch.setattr("sys.stdin", Terminal(said))
    monkeypatch.setattr("sys.stderr", Terminal())

    with pytest.raises(KeyboardInterrupt):
        wait_for_job(job, seconds=60, console=screen)

    assert Job.objects.get().state == state


def test_ctrl_c_cancels_elsewhere(job, interrupt):
    with pytest.raises(KeyboardInterrupt):
        wait_for_job(job, seconds=60, console=Console(file=io.StringIO()))

    assert Job.objects.get().state == "cancelling"


def test_ctrl_c_on_a_job_that_ended_is_no_error(job, interrupt):
    Job.objects.update(state="succeeded")

    with pytest.raises(KeyboardInterrupt):
        wait_for_job(job, seconds=60, console=Console(file=io.StringIO()))
