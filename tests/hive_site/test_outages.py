import pytest
from django.db import InterfaceError, OperationalError
from django.test import Client

from hive_site.pages import overview

pytestmark = pytest.mark.django_db


@pytest.fixture
def broken(monkeypatch, admin_client, redis):
    """A client in front of an overview that ends in the given error."""
    admin_client.raise_request_exception = False

    def break_with(error: Exception) -> Client:
        def look() -> None:
            raise error

        monkeypatch.setattr(overview, "FirstLook", look)
        return admin_client

    return break_with


@pytest.mark.parametrize("kind", [OperationalError, InterfaceError])
def test_a_page_says_that_the_database_is_away_and_when_to_come_back(broken, kind):
    answer = broken(kind("connection refused at db-7")).get("/")

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert b"database is away" in answer.content
    assert b"db-7" not in answer.content


def test_a_mistake_of_our_own_stays_one(broken):
    assert broken(ValueError("oops")).get("/").status_code == 500
