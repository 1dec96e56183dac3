from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from hive_site.kernel.errors import Conflict, NotFound
from nodes.login_links import VALID_FOR, make_login_link, redeem
from nodes.models import LoginLink

pytestmark = pytest.mark.django_db


@pytest.fixture
def users(django_user_model):
    return django_user_model.objects


def token_of(link: str) -> str:
    return link.removeprefix("http://hive/login/").removesuffix("/")


def test_a_link_is_an_address_of_the_nexus():
    for url in ("http://hive", "http://hive/"):
        link = make_login_link(url)

        assert link == f"http://hive/login/{token_of(link)}/"
        assert len(token_of(link)) >= 40


def test_a_link_logs_in_the_first_superuser_once(users):
    first, _ = (users.create_superuser(name) for name in ("first", "second"))
    token = token_of(make_login_link("http://hive"))

    assert redeem(token) == first
    assert redeem(token) is None


def test_without_a_superuser_there_is_one_afterwards(users):
    users.create_user("ann")

    assert redeem(token_of(make_login_link("http://hive"))).username == "admin"
    assert not users.get(username="admin").has_usable_password()


def test_an_admin_that_was_locked_out_stays_out(users):
    users.create_superuser("admin", is_active=False)

    with pytest.raises(Conflict, match=r"user 'admin' is no active superuser; .*createsuperuser"):
        make_login_link("http://hive")


def test_a_link_ends_after_an_hour():
    token = token_of(make_login_link("http://hive"))
    left = LoginLink.objects.get().expires_at - timezone.now()
    LoginLink.objects.update(expires_at=timezone.now())

    assert timedelta(minutes=59) < left <= VALID_FOR == timedelta(hours=1)
    assert redeem(token) is None


def test_links_that_ended_are_swept_away_by_the_next_one():
    make_login_link("http://hive")
    LoginLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    make_login_link("http://hive")

    assert LoginLink.objects.count() == 1


def test_a_link_of_a_user_who_was_locked_out_opens_nothing(users):
    token = token_of(make_login_link("http://hive"))
    users.update(is_active=False)

    assert redeem(token) is None


def test_no_token_is_stored():
    token = token_of(make_login_link("http://hive"))

    assert token not in str(LoginLink.objects.values())
    assert redeem("") is None
    assert redeem(LoginLink.objects.get().digest) is None


def test_of_two_clicks_at_once_one_comes_in():
    token = token_of(make_login_link("http://hive"))

    def be_quicker(execute, sql, params, many, context):
        if sql.startswith("DELETE"):
            execute("DELETE FROM nodes_loginlink", (), many, context)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(be_quicker):
        assert redeem(token) is None


def roles_of(user) -> list[str]:
    return sorted(user.groups.values_list("name", flat=True))


def test_a_link_for_a_role_makes_its_user_who_has_no_password(users):
    user = redeem(token_of(make_login_link("http://hive", role="viewer")))

    assert (user.username, roles_of(user)) == ("viewer", ["viewer"])
    assert not any((user.is_staff, user.is_superuser, user.has_usable_password()))


def test_a_link_for_a_user_gives_the_role_instead_of_others(users):
    make_login_link("http://hive", name="ann", role="operator")

    make_login_link("http://hive", name="ann", role="viewer")

    assert roles_of(users.get(username="ann")) == ["viewer"]


def test_a_link_for_a_user_alone_leaves_its_role(users):
    make_login_link("http://hive", name="ann", role="operator")

    user = redeem(token_of(make_login_link("http://hive", name="ann")))

    assert roles_of(user) == ["operator"]


def test_a_link_for_an_admin_is_the_one_that_there_always_was(users):
    assert redeem(token_of(make_login_link("http://hive", role="admin"))).is_superuser


def test_a_link_for_nobody_says_what_to_do():
    with pytest.raises(NotFound, match="no user is named 'ann'; give a role too"):
        make_login_link("http://hive", name="ann")


def test_a_superuser_is_not_made_less_by_a_link(users):
    users.create_superuser("ann")

    with pytest.raises(Conflict, match="leave the role out"):
        make_login_link("http://hive", name="ann", role="viewer")
    assert redeem(token_of(make_login_link("http://hive", name="ann"))).is_superuser


def test_a_user_who_was_locked_out_gets_no_link(users):
    users.create_user("ann", is_active=False)

    with pytest.raises(Conflict, match="user ann is not active"):
        make_login_link("http://hive", name="ann", role="viewer")
