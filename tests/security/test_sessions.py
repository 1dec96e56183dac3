"""Sessions of people: where they begin, what they may be made to do, and when they end."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from hive_site.live.visitors import Forbidden, Pass, admit
from nodes.login_links import make_login_link
from tests.hive_site.doors import address, routes
from tests.people import person

pytestmark = pytest.mark.usefixtures("db", "redis", "nexus_data")
PASSWORD = "a long enough one"
ROUTES = [r for r in dict.fromkeys(routes()) if "^" not in r and "?P" not in r]


@pytest.fixture
def ann() -> User:
    user = person("admin")
    user.set_password(PASSWORD)
    user.save()
    return user


def come_in(ann: User, password: str = PASSWORD, **options) -> Client:
    client = Client(**options)
    client.post("/login/", {"username": ann.username, "password": password})
    return client


def is_in(client: Client) -> bool:
    return client.get("/").status_code == 200


def socket_of(client: Client) -> Pass:
    return Pass(cookies=f"sessionid={client.cookies['sessionid'].value}")


def test_a_session_that_was_there_before_is_not_the_one_that_is_in(ann):
    client = Client()
    session = client.session
    session["planted"] = True
    session.save()
    before = session.session_key
    client.cookies["sessionid"] = before

    client.post("/login/", {"username": ann.username, "password": PASSWORD})

    assert is_in(client)
    assert client.cookies["sessionid"].value != before


def test_another_password_ends_every_other_session_and_its_sockets(ann):
    here, there = come_in(ann), come_in(ann)
    assert admit(socket_of(there)) == ann.username
    fresh = "another long enough one"

    answer = here.post(
        "/admin/password_change/",
        {"old_password": PASSWORD, "new_password1": fresh, "new_password2": fresh},
    )

    assert answer.status_code == 302
    assert (is_in(here), is_in(there)) == (True, False)
    with pytest.raises(Forbidden):
        admit(socket_of(there))


def test_whoever_leaves_is_out_with_all_sockets(ann):
    client = come_in(ann)
    shown = socket_of(client)

    assert client.get("/logout/").status_code == 405  # an image in a page logs nobody out
    client.post("/logout/")

    assert not is_in(client)
    with pytest.raises(Forbidden):
        admit(shown)


def test_whoever_is_locked_out_is_out_at_once(ann):
    client = come_in(ann)

    User.objects.update(is_active=False)

    assert not is_in(client)
    with pytest.raises(Forbidden):
        admit(socket_of(client))


def test_no_other_site_can_have_somebody_do_anything(ann):
    client = come_in(ann, enforce_csrf_checks=False)
    client.handler.enforce_csrf_checks = True
    let_through = []

    for route in ROUTES:
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            answer = client.generic(method, address(route), "{}", "application/json")
            # 415: what is no form is not even read where a form is wanted. 401 and 405: machines
            # that join are asked for a token, and nobody's session counts.
            refused = (401, 405) if route.startswith("api/v1/nodes/join/") else (403, 415)
            if answer.status_code not in refused:
                let_through.append((method, route, answer.status_code))

    assert not let_through


@pytest.mark.parametrize(
    "place",
    [
        *("https://evil.example/", "//evil.example/", "/\\evil.example", "\\\\evil.example"),
        *("https:evil.example", "javascript:alert(1)", "http:///evil.example", "/%09/evil.example"),
        *("\t//evil.example", "https://testserver@evil.example/", "///evil.example/a"),
    ],
)
def test_nobody_is_led_elsewhere_after_the_login(ann, place):
    answer = Client().post(
        "/login/", {"username": ann.username, "password": PASSWORD, "next": place}
    )

    where = answer.headers["Location"]
    assert where == "/" or where.startswith("/%09/")


@pytest.mark.parametrize("place", ["https://evil.example/", "//evil.example/", "/\\evil.example"])
def test_nobody_is_led_elsewhere_after_a_verb(ann, place):
    answer = come_in(ann).post("/queues/background/pause/", {"next": place})

    assert answer.headers["Location"] == "/queues/"


def test_an_address_without_its_slash_leads_nowhere_else():
    answer = Client().get("//evil.example/jobs")

    assert not answer.headers.get("Location", "").startswith("//")


def test_a_link_that_logs_in_says_nothing_to_others_and_stays_in_no_cache(ann):
    link = make_login_link("http://testserver", name=ann.username)

    answer = Client().get(link)

    assert answer.headers["Location"] == "/"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert "no-store" in answer.headers["Cache-Control"]


def test_a_cookie_is_read_by_no_script_and_sent_by_no_other_site(ann):
    cookie = come_in(ann).cookies["sessionid"]

    assert (bool(cookie["httponly"]), cookie["samesite"]) == (True, "Lax")
