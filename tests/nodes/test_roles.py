import pytest
from django.contrib.auth.models import AnonymousUser, Group, Permission
from django.core.management import call_command

from nodes.models import ApiKey
from nodes.roles import ROLES, give_role, holds, may
from nodes.services import create_api_key

pytestmark = pytest.mark.django_db
SCOPES = ("read", "submit", "control", "ota", "pickle", "node")


@pytest.fixture
def users(django_user_model):
    return django_user_model.objects


def rights_of(role: str) -> set[str]:
    rows = Group.objects.get(name=role).permissions.values_list(
        "content_type__app_label", "codename"
    )
    return {f"{app}.{codename}" for app, codename in rows}


def test_a_viewer_looks_at_everything_of_ours_and_changes_nothing():
    rights = rights_of("viewer")

    assert {"nodes.view_node", "jobs.view_subtask", "ota.view_rollout"} <= rights
    assert all(right.partition(".")[2].startswith("view_") for right in rights)
    assert {right.partition(".")[0] for right in rights} == {"nodes", "jobs", "ota"}


def test_an_operator_runs_the_cluster_but_hands_out_no_access():
    more = rights_of("operator") - rights_of("viewer")

    assert {"nodes.change_node", "jobs.add_job", "jobs.change_queue", "ota.add_rollout"} <= more
    assert not any("apikey" in right or "release" in right or "auth." in right for right in more)


def test_an_admin_has_everything_of_ours_and_users_and_groups():
    ours = Permission.objects.filter(content_type__app_label__in=("nodes", "jobs", "ota"))
    rights = rights_of("admin")

    assert {f"{row.content_type.app_label}.{row.codename}" for row in ours} <= rights
    assert {"auth.change_user", "auth.add_group"} <= rights
    assert "auth.add_permission" not in rights


def test_after_an_upgrade_roles_have_what_is_new_and_lose_what_is_not_theirs():
    viewer = Group.objects.get(name="viewer")
    viewer.permissions.set(Permission.objects.filter(codename__in=["delete_job", "view_session"]))

    call_command("migrate", verbosity=0)

    rights = rights_of("viewer")
    assert "jobs.view_job" in rights
    assert "jobs.delete_job" not in rights
    assert "sessions.view_session" in rights  # what is not ours is nobody's business


def test_a_role_that_was_deleted_comes_back():
    Group.objects.all().delete()

    call_command("migrate", verbosity=0)

    assert set(Group.objects.values_list("name", flat=True)) == set(ROLES)


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        (None, ()),
        ("viewer", ("read",)),
        ("operator", ("read", "submit", "control", "ota")),
        ("admin", ("read", "submit", "control", "ota", "pickle")),
    ],
)
def test_what_a_role_may(users, role, allowed):
    user = users.create_user("ann")
    if role:
        give_role(user, role)

    assert tuple(scope for scope in SCOPES if may(user, scope)) == allowed


def test_a_superuser_may_everything_unless_locked_out(users):
    ann, bob = users.create_superuser("ann"), users.create_superuser("bob", is_active=False)

    assert all(may(ann, scope) for scope in SCOPES)
    assert not any(may(bob, scope) for scope in SCOPES)


def test_nobody_may_nothing():
    assert not any(may(who, scope) for who in (None, AnonymousUser()) for scope in SCOPES)


def test_staff_without_a_permission_may_look(users):
    user = users.create_user("ann", is_staff=True)

    assert [scope for scope in SCOPES if may(user, scope)] == ["read"]


def test_a_key_does_no_more_than_its_owner_still_may(users):
    ann = users.create_user("ann")
    give_role(ann, "admin")
    key, _ = create_api_key(name="ann's", scopes=["read", "submit", "pickle"], owner=ann)
    assert all(holds(key, scope) for scope in ("read", "submit", "pickle"))
    assert not holds(key, "ota")

    give_role(ann, "viewer")

    key = ApiKey.objects.get(pk=key.pk)
    assert [scope for scope in SCOPES if holds(key, scope)] == ["read"]


def test_a_key_without_an_owner_does_what_its_scopes_say():
    key, _ = create_api_key(name="the scraper", scopes=["submit"])

    assert [scope for scope in SCOPES if holds(key, scope)] == ["submit"]
