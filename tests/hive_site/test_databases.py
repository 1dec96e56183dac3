import os
import socket

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from hive_site.databases import read_database

POSTGRES = "postgres://hive:s3cret@db/hive"


@pytest.mark.parametrize("url", ["sqlite:////tmp/hive.sqlite3", POSTGRES])
def test_no_connection_outlives_its_request(url):
    # Each request under ASGI has a thread of its own: nobody would find its connection again.
    assert read_database(url)["CONN_MAX_AGE"] == 0


@pytest.mark.parametrize(
    "url", ["x", "mysql://u:s3cret@db/hive", "postgres://u:s3cret@", "foo://u:s3cret@db/hive"]
)
def test_a_database_that_is_none_is_refused_without_its_password(url):
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL: give sqlite") as refusal:
        read_database(url)

    assert "s3cret" not in str(refusal.value)


def test_what_an_address_says_of_tls_reaches_the_server():
    options = read_database(f"{POSTGRES}?sslmode=verify-full&sslrootcert=/etc/ca.pem")["OPTIONS"]

    assert (options["sslmode"], options["sslrootcert"]) == ("verify-full", "/etc/ca.pem")
    assert options["pool"]["max_size"] == 20


def test_what_an_address_says_goes_before_what_is_usual():
    options = read_database(f"{POSTGRES}?connect_timeout=30&application_name=team")["OPTIONS"]

    assert (options["connect_timeout"], options["application_name"]) == (30, "team")


def test_an_option_that_nobody_knows_stops_the_start_without_the_password():
    with pytest.raises(ImproperlyConfigured, match=r'DATABASE_URL: .*"sslmod"') as refusal:
        read_database(f"{POSTGRES}?sslmod=require")

    assert "s3cret" not in str(refusal.value)


def test_a_process_holds_as_many_connections_as_it_was_allowed():
    assert read_database(POSTGRES, pool=7)["OPTIONS"]["pool"]["max_size"] == 7


def test_behind_a_pooler_nothing_is_left_open_between_two_statements():
    database = read_database(POSTGRES, pool=0)

    assert "pool" not in database["OPTIONS"]
    assert database["DISABLE_SERVER_SIDE_CURSORS"]


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no server to lose")
@pytest.mark.django_db
def test_a_server_that_went_without_a_word_is_noticed():
    connection.ensure_connection()

    with socket.socket(fileno=os.dup(connection.connection.fileno())) as line:
        told = {
            name: line.getsockopt(level, option)
            for name, level, option in (
                ("keepalive", socket.SOL_SOCKET, socket.SO_KEEPALIVE),
                ("idle", socket.IPPROTO_TCP, socket.TCP_KEEPIDLE),
                ("unanswered", socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT),
            )
        }

    assert told == {"keepalive": 1, "idle": 10, "unanswered": 25_000}
