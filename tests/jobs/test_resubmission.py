"""What people copy to submit the same job again."""

import json
import os
import subprocess

import pytest

from jobs.models import Job
from jobs.resubmission import as_curl, as_python, submission_of
from jobs.services import submit_job

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis")]
NASTY = 'it\'s $HOME `x` \\ "y"'


def made(**wish: object) -> Job:
    return submit_job(**{"task": "demo.echo", "items": [1, NASTY], **wish})


def posted(curl: str, tmp_path) -> dict:
    """What a shell would send."""
    fake = tmp_path / "curl"
    fake.write_text("#!/bin/sh\ncat\n")
    fake.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-c", curl], cwd=tmp_path, env={"PATH": path}, capture_output=True, check=True
    )
    return json.loads(done.stdout)


def test_a_shell_sends_what_was_submitted(tmp_path):
    job = made(kwargs={"a": NASTY}, labels={"team": "bees"}, priority=8)

    sent = posted(as_curl(submission_of(job), "http://nexus"), tmp_path)

    assert sent["items"] == [1, NASTY]
    assert (sent["kwargs"], sent["labels"], sent["priority"]) == ({"a": NASTY}, {"team": "bees"}, 8)
    assert submit_job(**sent).kwargs == job.kwargs


def test_python_that_was_copied_is_python():
    text = as_python(submission_of(made(items=[None, True, NASTY])), "http://nexus")

    compile(text, "copied", "exec")
    assert f"items = {[None, True, NASTY]!r}" in text


def test_many_items_are_named_and_not_copied(tmp_path):
    again = submission_of(made(items=list(range(500))))
    (tmp_path / "items.json").write_text("[7]")

    assert again.items is None
    assert "500 items" in again.note
    assert posted(as_curl(again, "http://nexus"), tmp_path)["items"] == [7]
    compile(as_python(again, "http://nexus"), "copied", "exec")


def test_an_address_with_a_secret_in_it_is_left_out(settings):
    job = made()
    for webhook, kept in (("https://a.example/x", True), ("https://a.example/?token=1", False)):
        job.webhook = webhook

        assert ("webhook" in submission_of(job).wish) is kept


def test_python_objects_and_what_was_deleted_are_not_offered():
    job = made()

    job.codec = "pickle"
    assert submission_of(job) is None
    job.codec, job.kept = "json", "row"
    assert submission_of(job) is None
