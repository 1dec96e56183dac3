"""The admin as a whole: its home page, its order, its audit, its users; and nothing slow."""

import re

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.utils import timezone

from jobs.models import Attempt, Job, Subtask
from jobs.services import submit_job
from nodes import audit
from nodes.admin_actions import VerbActions
from nodes.models import ApiKey, Node
from nodes.services import create_api_key
from ota.models import OtaEvent, Rollout
from tests.hive_site.live.cast import draw_node
from tests.hive_site.pages.cast import show_picture, take_redis_away
from tests.ota.cast import make_release
from tests.people import browser_of

pytestmark = pytest.mark.usefixtures("db", "redis")
LISTS = [
    f"/admin/{model._meta.app_label}/{model._meta.model_name}/" for model in admin.site._registry
]
#: Tables that may have a million rows.
LARGE = ("jobs_subtask", "jobs_attempt", "jobs_job", "ota_otaevent")


@pytest.fixture
def more_than_a_page(db):
    """60 rows in each large table; a page shows 50."""
    ids = range(60)
    terms = {"queue": "background", "timeout": 1, "retries": 0, "total": 1}
    Job.objects.bulk_create([Job(id=f"job_{n}", **terms) for n in ids])
    Subtask.objects.bulk_create([Subtask(id=n + 1, job_id=f"job_{n}", index=0) for n in ids])
    Attempt.objects.bulk_create(
        [Attempt(id=n, subtask_id=n + 1, number=1, outcome="failed") for n in ids]
    )
    OtaEvent.objects.bulk_create([OtaEvent(what="created") for _ in ids])


def home(client) -> str:
    return client.get("/admin/").content.decode()


def test_the_home_page_is_whole_without_a_foreman(admin_client):
    page = home(admin_client)

    assert "No Foreman leads" in page
    assert "Nothing runs." in page
    assert 'href="/nodes/"' in page


def test_the_home_page_is_whole_without_redis(admin_client, redis, monkeypatch):
    take_redis_away(redis, monkeypatch)

    assert "Redis is away" in home(admin_client)


def test_the_home_page_shows_what_the_cluster_does(admin_client, redis):
    show_picture(redis, draw_node("spore-1", slots=4, running=3), draw_node("spore-2", slots=4))
    job = submit_job(task="demo.echo", items=[1, 2])
    Job.objects.update(state="running")

    page = home(admin_client)

    assert re.search(r"4 <small>of 8", page)  # slots busy
    assert re.search(r"3 <small>wait, the oldest 4.2 s", page)
    assert f"/jobs/{job.pk}/" in page
    assert "Needs somebody" not in page


def test_the_home_page_says_what_needs_somebody(admin_client, redis):
    last_seen = timezone.now()
    Node.objects.create(name="spore-1", state="lost", reason="silent", last_seen=last_seen)
    Rollout.objects.create(release=make_release(), state="paused", reason="wave 1 failed")

    page = home(admin_client)

    assert "spore-1 is lost" in page
    assert "1 lost" in page
    assert "wave 1 failed" in page


def test_the_home_page_takes_a_bounded_number_of_queries(
    admin_client, django_assert_max_num_queries
):
    for _ in range(20):
        submit_job(task="demo.echo", items=[1])
    Job.objects.update(state="running")

    with django_assert_max_num_queries(20):
        home(admin_client)


def test_what_there_is_comes_in_a_sensible_order_with_plain_names(admin_client):
    page = home(admin_client)
    captions = re.findall(r"<caption>(.*?)</caption>", page)

    assert captions[:5] == ["Work", "Machines", "Updates", "Access", "System"]
    assert "Tasks that only nodes have" in page
    assert "Remote tasks" not in page


def test_a_role_sees_what_it_may_see():
    page = home(browser_of("viewer"))

    assert "Jobs" in page
    assert "/admin/auth/user/" not in page
    assert "/admin/jobs/job/add/" not in page


@pytest.mark.usefixtures("more_than_a_page")
@pytest.mark.parametrize("path", LISTS)
def test_no_list_counts_or_reads_a_whole_table(admin_client, path, django_assert_max_num_queries):
    with django_assert_max_num_queries(20) as asked:
        assert admin_client.get(path).status_code == 200

    for query in asked.captured_queries:
        sql = query["sql"]
        if any(f'FROM "{table}"' in sql for table in LARGE):
            assert "LIMIT" in sql, sql
            assert "DISTINCT" not in sql, sql


@pytest.mark.parametrize("path", [*LISTS, "/admin/", "/admin/jobs/job/add/"])
def test_no_page_carries_a_script_or_style_of_its_own(admin_client, path):
    page = admin_client.get(path).content.decode()

    assert not re.search(r"<script(?![^>]*\bsrc=)", page)
    assert not re.search(r"<[^>]* (style|on\w+)=", page)


ACTIONS = [
    (path, verb)
    for path, model_admin in zip(LISTS, admin.site._registry.values(), strict=True)
    for verb in getattr(model_admin, "verbs", ())
]


@pytest.mark.parametrize(("path", "verb"), ACTIONS)
def test_a_viewer_uses_no_action_of_any_list(monkeypatch, path, verb):
    """Whatever a request says: the action is not among those that the list knows."""
    monkeypatch.setattr(VerbActions, "use", lambda *used: pytest.fail(f"{verb} was used"))
    chosen = {"action": verb, "_selected_action": ["1"], "index": "0", "confirmed": "yes"}

    answer = browser_of("viewer").post(path, chosen)

    assert answer.status_code in (200, 302)
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("path", LISTS)
def test_a_viewer_adds_changes_and_deletes_nothing(path):
    viewer = browser_of("viewer")

    assert viewer.post(f"{path}add/", {}).status_code == 403
    assert viewer.get(path).status_code in (200, 403)
    assert 'name="_save"' not in viewer.get(path).content.decode()


def test_an_operator_runs_the_cluster():
    page = home(browser_of("operator"))

    assert {"jobs/job/add", "ota/rollout/add", "jobs/schedule/add"} <= set(
        re.findall(r'href="/admin/(\w+/\w+/add)/"', page)
    )
    assert "/admin/nodes/apikey/add/" not in page
    assert "/admin/ota/release/add/" not in page
    assert "/admin/auth/" not in page


def test_large_lists_offer_no_counts_for_each_choice(admin_client, django_assert_max_num_queries):
    with django_assert_max_num_queries(12):
        page = admin_client.get("/admin/jobs/job/?_facets=True").content.decode()

    assert "Show counts" not in page


def test_the_audit_lists_who_did_what_to_what(admin_client, admin_user):
    node = Node.objects.create(name="spore-1")
    audit.record(admin_user, node, "was drained")

    page = admin_client.get("/admin/admin/logentry/").content.decode()

    assert "was drained" in page
    assert f'href="/admin/nodes/node/{node.pk}/change/"' in page


@pytest.mark.parametrize("query", ["q=spore-1", "q=admin", "user__id__exact={user}", "kind={kind}"])
def test_the_audit_is_found_by_user_action_and_object(admin_client, admin_user, query):
    node = Node.objects.create(name="spore-1")
    other = User.objects.create_user("ann")
    audit.record(admin_user, node, "was drained")
    audit.record(other, other, "other thing")
    kind = LogEntry.objects.order_by("pk")[0].content_type_id

    path = f"/admin/admin/logentry/?{query.format(user=admin_user.pk, kind=kind)}"
    page = admin_client.get(path).content.decode()

    assert "was drained" in page
    assert "other thing" not in page


def test_nobody_rewrites_the_audit(admin_client, admin_user):
    audit.record(admin_user, admin_user, "something")
    row = f"/admin/admin/logentry/{LogEntry.objects.get().pk}/"

    assert admin_client.post(f"{row}delete/", {"post": "yes"}).status_code == 403
    assert admin_client.post(f"{row}change/", {"change_message": "x"}).status_code == 403


def test_a_viewer_reads_no_audit():
    assert browser_of("viewer").get("/admin/admin/logentry/").status_code == 403


def test_an_admin_gives_roles_but_does_not_become_a_superuser(django_user_model):
    client = browser_of("admin")
    user = django_user_model.objects.get(username="admin")
    group = Group.objects.get(name="operator")
    form = {"username": "admin", "is_active": "on", "is_superuser": "on", "groups": [group.pk]}
    dates = {"date_joined_0": "2030-01-01", "date_joined_1": "00:00:00"}

    client.post(f"/admin/auth/user/{user.pk}/change/", {**form, **dates})

    user.refresh_from_db()
    assert [group.name for group in user.groups.all()] == ["operator"]
    assert not user.is_superuser


def test_a_superuser_is_out_of_reach_for_an_admin(django_user_model):
    boss = django_user_model.objects.create_superuser("boss")
    client = browser_of("admin")
    page = f"/admin/auth/user/{boss.pk}/"
    chosen = {"action": "delete_selected", "_selected_action": [boss.pk], "post": "yes"}

    codes = {
        client.post(f"{page}change/", {"username": "x"}).status_code,
        client.post(f"{page}password/", {"password1": "x", "password2": "x"}).status_code,
        client.post(f"{page}delete/", {"post": "yes"}).status_code,
        client.post("/admin/auth/user/", chosen).status_code,
    }

    assert codes == {403}
    assert django_user_model.objects.filter(username="boss").exists()


def test_a_user_is_made_with_a_role(admin_client):
    group = Group.objects.get(name="viewer")
    form = {"username": "eve", "usable_password": "false", "groups": [group.pk]}

    admin_client.post("/admin/auth/user/add/", form)

    assert [group.name for group in User.objects.get(username="eve").groups.all()] == ["viewer"]


@pytest.mark.parametrize("model_admin", admin.site._registry.values(), ids=str)
@pytest.mark.parametrize("how", ["startswith", "regex", "gt", "contains", "iexact"])
def test_no_address_guesses_a_field_piece_by_piece(rf, model_admin, how):
    """Nor has the database match an expression that never ends."""
    for field in model_admin.model._meta.fields:
        assert not model_admin.lookup_allowed(f"{field.name}__{how}", "x", rf.get("/"))


def test_a_digest_is_not_found_out_by_who_may_look():
    _, secret = create_api_key(name="secret", scopes=["read"])
    digest = ApiKey.objects.get().digest
    viewer = browser_of("viewer")

    pages = [viewer.get(f"/admin/nodes/apikey/?digest__startswith={n}") for n in digest[:3]]

    assert {page.status_code for page in pages} == {400}
    assert digest not in viewer.get("/admin/nodes/apikey/").content.decode()
    assert secret not in viewer.get("/admin/nodes/apikey/").content.decode()


@pytest.mark.parametrize(
    "query", ["jobs/job/?priority=x", "admin/logentry/?kind=x", "jobs/job/?priority=99"]
)
def test_a_filter_that_makes_no_sense_is_left_out(admin_client, query):
    assert admin_client.get(f"/admin/{query}").status_code == 200


@pytest.mark.parametrize("query", ["state__exact=failed", "state__isnull=True", "priority=5"])
def test_a_list_is_narrowed_down_by_its_filters(admin_client, query):
    submit_job(task="demo.echo", items=[1], priority=5)

    page = admin_client.get(f"/admin/jobs/job/?{query}")

    assert page.status_code == 200
    assert page.context["cl"].result_count == (query == "priority=5")
