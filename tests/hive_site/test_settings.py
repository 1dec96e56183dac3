import pytest

from hive_site.settings import read_database


@pytest.mark.parametrize("url", ["sqlite:////tmp/hive.sqlite3", "postgres://hive@db/hive"])
def test_no_connection_outlives_its_request(url):
    # Each request under ASGI has a thread of its own: nobody would find its connection again.
    assert read_database(url)["CONN_MAX_AGE"] == 0
