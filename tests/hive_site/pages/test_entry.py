"""The way in with a link."""

import pytest

from nodes.login_links import make_login_link

pytestmark = pytest.mark.django_db
CHAT = "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"
LOOKS = [
    {"HTTP_USER_AGENT": CHAT},
    {"HTTP_USER_AGENT": "facebookexternalhit/1.1"},
    {"HTTP_USER_AGENT": "WhatsApp/2.23"},
    {"HTTP_SEC_PURPOSE": "prefetch;prerender"},
]


@pytest.fixture
def path(redis):
    return make_login_link("http://hive/").removeprefix("http://hive")


def test_a_link_logs_in_once(client, path):
    assert client.get(path).headers["Location"] == "/"
    assert client.get("/").status_code == 200
    client.logout()
    assert client.get(path).headers["Location"] == "/login/"
    assert client.get("/").headers["Location"].startswith("/login/")


@pytest.mark.parametrize("look", LOOKS)
def test_a_preview_of_a_link_neither_comes_in_nor_uses_it_up(client, path, look):
    answer = client.get(path, **look)

    assert "The link works once" in answer.content.decode()
    assert client.get("/").headers["Location"].startswith("/login/")
    assert client.get(path).headers["Location"] == "/"


def test_who_only_asks_whether_a_link_is_there_does_not_use_it_up(client, path):
    assert client.head(path).status_code == 200
    assert client.get(path).headers["Location"] == "/"


def test_whoever_gets_the_button_all_the_same_comes_in_by_it(client, path):
    assert client.post(path, HTTP_USER_AGENT=CHAT).headers["Location"] == "/"
