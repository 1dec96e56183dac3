"""The door, from both sides."""

import pytest


def test_a_person_comes_in_by_password_and_leaves(visitor):
    visitor.open("/")
    visitor.until(lambda: visitor.path.startswith("/login/"), what="the door")

    visitor.log_in("viewer")
    visitor.sees("slots busy")
    visitor.log_out()
    visitor.open("/")

    visitor.until(lambda: visitor.path.startswith("/login/"), what="the door, for it is shut")


def test_after_the_door_one_is_where_one_wanted_to_be(visitor, people):
    visitor.open("/admin/jobs/job/")
    visitor.write("Name", "admin")
    visitor.write("Password", people.password("admin"))
    visitor.click("Log in")

    visitor.until(lambda: visitor.path == "/admin/jobs/job/", what="the page asked for")


def test_a_wrong_password_is_told_and_opens_nothing(visitor):
    visitor.open("/login/")
    visitor.write("Name", "admin")
    visitor.write("Password", "no honey")
    visitor.click("Log in")

    visitor.sees("do not fit together")
    visitor.open("/")
    visitor.until(lambda: visitor.path.startswith("/login/"), what="the door, still shut")


def test_a_login_link_works_once(visitor, colony):
    link = colony.manage("hive", "login-link").stdout.strip()

    visitor.open(link)
    visitor.until(lambda: visitor.path == "/", what="the overview")
    visitor.log_out()
    visitor.open(link)

    visitor.sees("This link was used before")


@pytest.mark.parametrize("role", ["viewer", "operator", "admin"])
def test_whoever_has_a_role_reaches_the_admin(visitor, role):
    visitor.log_in(role)

    visitor.click("Admin")

    visitor.until(lambda: visitor.path == "/admin/", what="the admin")
    visitor.sees("Schedules")


def test_a_stranger_is_told_who_could_let_them_in(visitor):
    visitor.expect("403 (Forbidden)")

    visitor.log_in("stranger")

    visitor.sees("Your user has no role yet")
    assert "slots busy" not in visitor.text
