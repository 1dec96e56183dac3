"""What stands around every page, and who may see pages at all."""

import re

import pytest
from django.conf import settings

from tests.hive_site.pages.cast import markup_of
from tests.people import browser_of, person

pytestmark = pytest.mark.django_db
PAGES = ["/", "/nodes/", "/jobs/", "/queues/", "/rollouts/", "/search/"]


@pytest.mark.parametrize("path", PAGES)
def test_who_is_not_logged_in_is_sent_to_the_login_and_back(client, redis, path):
    answer = client.get(path)

    assert answer.status_code == 302
    assert answer.headers["Location"] == f"/login/?next={path}"


@pytest.mark.parametrize("path", PAGES)
def test_who_has_no_role_is_told_so(client, redis, path):
    client.force_login(person())

    answer = client.get(path)

    assert answer.status_code == 403
    assert "Your user has no role yet." in markup_of(answer)


@pytest.mark.parametrize("role", ["viewer", "operator", "admin"])
@pytest.mark.parametrize("path", PAGES)
def test_every_role_may_look_and_sees_where_it_is(redis, role, path):
    answer = browser_of(role).get(path)

    assert answer.status_code == 200
    if path != "/search/":
        assert f'href="{path}" aria-current="page"' in markup_of(answer)


def test_who_was_locked_out_is_logged_out(client, redis):
    user = person("viewer")
    client.force_login(user)
    user.is_active = False
    user.save()

    assert client.get("/queues/").headers["Location"].startswith("/login/")


@pytest.mark.parametrize("path", PAGES)
def test_no_page_is_kept_by_a_cache(redis, path):
    answer = browser_of("viewer").get(path)

    assert "no-store" in answer.headers["Cache-Control"]
    assert "private" in answer.headers["Cache-Control"]


@pytest.mark.parametrize("path", PAGES)
def test_pages_are_only_looked_at(redis, path):
    assert browser_of("admin").post(path).status_code == 405


@pytest.mark.parametrize("path", ["/jobs/none/", "/nodes/none/", "/rollouts/none/"])
def test_what_is_not_there_is_told_within_the_frame(redis, path):
    answer = browser_of("viewer").get(path)

    assert answer.status_code == 404
    assert 'aria-label="Main"' in markup_of(answer)
    assert "none" in markup_of(answer)


def test_a_hive_on_this_machine_says_so(redis, nexus_data):
    (nexus_data / "run").mkdir(parents=True)
    (nexus_data / "run" / "lock").touch()

    assert "runs on this machine" in markup_of(browser_of("viewer").get("/queues/"))


def test_debug_settings_are_told(redis, monkeypatch):
    monkeypatch.setattr(settings, "DEBUG", True)

    assert "runs on debug settings" in markup_of(browser_of("viewer").get("/queues/"))


def test_production_is_not_told(redis, nexus_data):
    assert "runs on" not in markup_of(browser_of("viewer").get("/queues/"))


@pytest.mark.parametrize("path", [*PAGES, "/jobs/none/"])
def test_no_page_carries_a_script_or_style_of_its_own(admin_client, redis, path):
    answer = admin_client.get(path)
    page = answer.content.decode()

    assert not re.search(
        r"<script(?![^>]* (src=|type=.application/json))|<style| style=| on[a-z]+=", page
    )
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
