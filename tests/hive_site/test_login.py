"""The door with a password, and its lock."""

import pytest

from hive_site import login
from hive_site.kernel.limits import Limiter, parse_rate

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def three_guesses(monkeypatch, redis):
    """Three for each name, four for each address."""
    by_name = Limiter("login", parse_rate("3/minute"), client=lambda: redis)
    by_address = Limiter("logins", parse_rate("4/minute"), client=lambda: redis)
    monkeypatch.setattr(login, "_by_name", by_name)
    monkeypatch.setattr(login, "_by_address", by_address)


@pytest.fixture(autouse=True)
def ann(django_user_model):
    return django_user_model.objects.create_superuser("ann", password="the right one")


def guess(client, name="ann", password="wrong", path="/login/"):
    return client.post(path, {"username": name, "password": password})


@pytest.mark.parametrize("path", ["/login/", "/admin/login/"])
def test_after_too_many_guesses_even_the_right_password_waits(client, path):
    assert [guess(client, path=path).status_code for _ in range(3)] == [200] * 3

    answer = guess(client, password="the right one", path=path)

    assert answer.status_code == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert b"Too many attempts" in answer.content


def test_another_spelling_of_the_name_is_no_other_name(client):
    for name in ("ann", "Ann", "ANN"):
        guess(client, name)

    assert guess(client, "aNN").status_code == 429


def test_who_comes_in_has_only_mistyped(client):
    for _ in range(2):
        guess(client)
        guess(client, password="the right one")

    assert guess(client).status_code == 200


def test_one_address_cannot_try_one_password_on_many_names(client):
    for name in ("a", "b", "c", "d"):
        guess(client, name)

    assert guess(client, "e").status_code == 429


def test_the_admin_sends_its_people_to_the_same_door(client):
    answer = client.get("/admin/", follow=True)

    assert "hive_site/login.html" in [template.name for template in answer.templates]


@pytest.mark.parametrize("name", ["ａｎｎ", "ﬀ", "ANN"])
def test_letters_that_mean_the_same_are_the_same_name(name):
    plain = {"ａｎｎ": "ann", "ﬀ": "FF", "ANN": "ann"}[name]

    assert login.fold_name(name) == login.fold_name(plain)


def test_whatever_is_sent_as_a_name_little_of_it_is_kept(client, redis):
    guess(client, "n" * 1_000_000)

    assert redis.dbsize() > 0
    assert max(map(len, redis.keys())) < 200


def test_an_address_that_may_not_guess_any_more_leaves_nothing_behind(client, redis):
    for name in ("a", "b", "c", "d"):
        guess(client, name)
    before = redis.dbsize()

    assert [guess(client, f"other {n}").status_code for n in range(5)] == [429] * 5
    assert redis.dbsize() == before


@pytest.mark.parametrize(
    ("address", "counts_as"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_of_ipv6_a_whole_network_guesses_as_one(address, counts_as):
    assert login.fold_address(address) == counts_as
