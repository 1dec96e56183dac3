"""The pages: the way in, and the overview."""

import pytest

from jobs.services import submit_job
from nodes.login_links import make_login_link
from nodes.models import Node

pytestmark = pytest.mark.django_db


def path_of(link: str) -> str:
    return link.removeprefix("http://hive")


def test_the_overview_asks_for_a_login(client):
    assert client.get("/").headers["Location"].startswith("/login/")


def test_a_login_link_works_once_and_only_by_a_click(client, redis):
    path = path_of(make_login_link("http://hive/"))

    assert client.get(path).status_code == 200  # a preview of the link uses nothing up
    assert client.post(path).headers["Location"] == "/"
    assert client.get("/").status_code == 200
    client.logout()
    assert client.post(path).headers["Location"] == "/login/"


def test_the_first_login_link_makes_an_admin_without_a_password(django_user_model):
    make_login_link("http://hive")
    make_login_link("http://hive")

    assert not django_user_model.objects.get(is_superuser=True).has_usable_password()


def test_an_empty_overview_teaches_how_to_fill_it(admin_client, redis):
    page = admin_client.get("/").content.decode()

    assert "manage.py rqworker" in page
    assert "hive submit" in page


def test_the_overview_shows_nodes_queues_and_jobs(admin_client, redis):
    Node.objects.create(name="spore-7", state="lost", reason="silent for 45 s")
    job = submit_job(task="demo.echo", items=[1])

    page = admin_client.get("/").content.decode()

    assert "spore-7" in page
    assert "silent for 45 s" in page
    assert job.pk in page


def test_no_page_carries_a_script_or_style_of_its_own(admin_client, redis):
    answer = admin_client.get("/")

    assert b"<script" not in answer.content
    assert b"style=" not in answer.content
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]


MODELS = ["node", "apikey", "lease", "reportcursor", "loginlink"]
JOB_MODELS = ["job", "subtask", "attempt", "queue", "idempotencykey"]


@pytest.mark.parametrize(
    "path", [*(f"nodes/{name}" for name in MODELS), *(f"jobs/{name}" for name in JOB_MODELS)]
)
def test_every_model_has_its_list_in_the_admin(admin_client, redis, path):
    submit_job(task="demo.echo", items=[1])
    Node.objects.create(name="spore-1")

    assert admin_client.get(f"/admin/{path}/").status_code == 200
    assert admin_client.get(f"/admin/{path}/?q=x").status_code == 200


def test_a_job_can_be_cancelled_in_the_admin(admin_client, redis):
    job = submit_job(task="demo.echo", items=[1])

    admin_client.post("/admin/jobs/job/", {"action": "cancel", "_selected_action": [job.pk]})

    job.refresh_from_db()
    assert job.state == "cancelling"
    assert admin_client.get(f"/admin/jobs/job/{job.pk}/change/").status_code == 200


def test_a_key_made_in_the_admin_is_shown_once(admin_client, redis):
    form = {"name": "ci", "scopes": ["read"], "expires_at_0": "", "expires_at_1": ""}

    page = admin_client.post("/admin/nodes/apikey/add/", form, follow=True).content.decode()

    assert "hive_" in page
    assert "cannot be shown again" in page


def test_a_node_is_drained_in_the_admin_through_the_service(admin_client, redis):
    node = Node.objects.create(name="spore-1")

    admin_client.post("/admin/nodes/node/", {"action": "drain", "_selected_action": [node.pk]})

    node.refresh_from_db()
    assert node.intent == "drain"


def test_a_list_of_jobs_never_counts_the_whole_table(
    admin_client, redis, django_assert_max_num_queries
):
    submit_job(task="demo.echo", items=[1])

    with django_assert_max_num_queries(12) as asked:
        admin_client.get("/admin/jobs/job/")

    counts = [q["sql"] for q in asked.captured_queries if "COUNT(" in q["sql"]]
    assert all("LIMIT 10000" in sql for sql in counts)
