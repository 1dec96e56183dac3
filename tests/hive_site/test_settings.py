import pytest
from django.core.exceptions import ImproperlyConfigured

from hive_site.settings import read_database


@pytest.mark.parametrize("url", ["sqlite:////tmp/hive.sqlite3", "postgres://hive@db/hive"])
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
