"""Nobody inside makes themselves, or somebody else, more than they are."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from nodes.models import ApiKey, LoginLink
from nodes.roles import ROLES
from tests.people import browser_of

pytestmark = pytest.mark.usefixtures("db", "redis", "nexus_data")
NEW = "a long enough one"


@pytest.fixture
def root() -> User:
    return User.objects.create_superuser("root", password="the old one")


@pytest.fixture
def admin() -> Client:
    return browser_of("admin")


def test_an_admin_cannot_take_a_superuser_over(admin, root):
    base = f"/admin/auth/user/{root.pk}"
    before = User.objects.values().get(pk=root.pk)

    codes = [
        admin.post(f"{base}/password/", {"password1": NEW, "password2": NEW}).status_code,
        admin.post(f"{base}/change/", {"username": "root", "is_active": ""}).status_code,
        admin.post(f"{base}/delete/", {"post": "yes"}).status_code,
    ]
    many = {"action": "delete_selected", "_selected_action": [root.pk], "post": "yes"}
    admin.post("/admin/auth/user/", many)

    assert codes == [403] * 3
    assert User.objects.values().get(pk=root.pk) == before


@pytest.mark.parametrize("power", ["is_superuser", "is_staff"])
def test_an_admin_gives_nobody_more_power_than_roles_have(admin, power):
    user = User.objects.create_user("bob")
    mine = User.objects.get(username="admin")
    for one in (user, mine):
        fields = {"username": one.username, power: "on", "user_permissions": ["1", "2"]}
        fields |= {"date_joined_0": "2020-01-01", "date_joined_1": "00:00:00", "is_active": "on"}
        fields |= {"groups": [str(group.pk) for group in one.groups.all()]}
        assert admin.post(f"/admin/auth/user/{one.pk}/change/", fields).status_code == 302
    admin.post(
        "/admin/auth/user/add/",
        {"username": "eve", "usable_password": "false", power: "on", "is_superuser": "on"},
    )

    assert User.objects.filter(username="eve").exists()
    assert not User.objects.filter(**{power: True}).exists()
    assert not User.objects.filter(user_permissions__isnull=False).exists()


@pytest.mark.parametrize("role", ROLES)
def test_nobody_makes_a_way_in_for_somebody_else_on_a_page(role):
    browser = browser_of(role)

    assert browser.post("/admin/nodes/loginlink/add/", {"user": "1"}).status_code == 403
    assert not LoginLink.objects.exists()


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_only_an_admin_makes_keys(role):
    fields = {"name": "x", "scopes": ["pickle"]}

    assert browser_of(role).post("/admin/nodes/apikey/add/", fields).status_code == 403
    assert not ApiKey.objects.exists()


def test_a_key_that_an_admin_makes_is_the_admins(admin):
    admin.post("/admin/nodes/apikey/add/", {"name": "x", "scopes": ["pickle"], "owner": "999"})

    assert ApiKey.objects.get().owner.username == "admin"


def test_a_key_has_no_scope_that_there_is_not(admin):
    admin.post("/admin/nodes/apikey/add/", {"name": "x", "scopes": ["node", "read"]})

    assert not ApiKey.objects.exists()
