"""What every answer tells browsers and caches, whoever asks."""

import json

import pytest
from django.test import Client

from nodes.services import create_api_key
from tests.hive_site.doors import address, routes
from tests.people import browser_of

pytestmark = pytest.mark.usefixtures("db", "redis", "nexus_data")
ROUTES = list(dict.fromkeys(map(address, (r for r in routes() if not r.startswith("admin/(")))))
#: What no answer is without.
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def ask_everywhere(client: Client):
    """Each address with its answer."""
    return [(path, client.get(path)) for path in ROUTES if "^" not in path and "?P" not in path]


@pytest.fixture(params=["admin", "nobody"])
def client(request):
    if request.param == "nobody":
        return Client(raise_request_exception=False)
    return browser_of("admin", raise_request_exception=False)


def test_every_answer_says_how_a_browser_is_to_treat_it(client):
    answers = ask_everywhere(client)

    assert len(answers) > 80
    for path, answer in answers:
        told = {name: answer.headers.get(name) for name in ALWAYS}
        assert told == ALWAYS, path
        assert "camera=()" in answer.headers["Permissions-Policy"], path


def test_no_answer_is_kept_by_whoever_passes_it_on(client):
    for path, answer in ask_everywhere(client):
        assert "private" in answer.headers["Cache-Control"], path


def test_no_page_may_run_a_script_that_is_not_a_file_of_ours(client):
    for path, answer in ask_everywhere(client):
        policy = answer.headers.get("Content-Security-Policy", "")
        rules = dict(rule.strip().partition(" ")[::2] for rule in policy.split(";") if rule.strip())
        assert rules["default-src"] == "'self'", path
        assert "script-src" not in rules, path
        assert (rules["object-src"], rules["frame-ancestors"]) == ("'none'", "'none'"), path
        assert (rules["base-uri"], rules["form-action"]) == ("'self'", "'self'"), path


def test_no_other_site_may_read_an_answer(client):
    asked = client.get("/api/v1/cluster/", headers={"Origin": "https://evil.example"})
    preflight = client.options("/api/v1/jobs/", headers={"Origin": "https://evil.example"})

    for answer in (asked, preflight):
        assert not [name for name in answer.headers if name.startswith("Access-Control")]


def test_what_a_sender_wrote_is_not_said_back_as_markup(client):
    for path in ("/jobs/<b>/", "/search/?q=<b>", "/login/?next=<b>", "/jobs/?task=<b>", "/<b>/"):
        assert b"<b>" not in client.get(path).content, path


def test_a_tasks_words_reach_a_page_as_words(db, redis):
    from jobs.models import Job
    from jobs.services import submit_job

    evil = "<script>alert(1)</script>"
    job = submit_job(task="demo.echo", items=[evil], labels={"customer": evil})
    error = json.dumps({"type": "E", "message": evil, "traceback": evil})
    Job.objects.filter(pk=job.pk).update(state="failed", failed=1, error=error)
    job.subtasks.update(state="failed", error=error, result=f'"{evil}"', node="spore-1")
    admin = browser_of("admin")

    for path in (
        *(f"/jobs/{job.pk}/", f"/jobs/{job.pk}/?tab=errors", f"/jobs/{job.pk}/?tab=results"),
        *(f"/jobs/{job.pk}/subtasks/0/", "/jobs/", f"/admin/jobs/job/{job.pk}/change/"),
        f"/admin/jobs/subtask/{job.subtasks.get().pk}/change/",
    ):
        answer = admin.get(path)
        assert answer.status_code == 200, path
        assert evil.encode() not in answer.content, path


def test_a_host_that_nobody_allowed_is_asked_for_nothing():
    _, secret = create_api_key(name="x", scopes=["read"])
    asked = Client().get("/api/v1/cluster/", headers={"Host": "evil.example"})
    forwarded = Client().get(
        "/api/v1/jobs/?limit=1",
        headers={"Authorization": f"Bearer {secret}", "X-Forwarded-Host": "evil.example"},
    )

    assert asked.status_code == 400
    assert b"evil.example" not in asked.content
    assert b"evil.example" not in forwarded.content
