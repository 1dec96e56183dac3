import pytest
from redis.asyncio.sentinel import SentinelConnectionPool as AsyncPool
from redis.sentinel import SentinelConnectionPool

from hive_site.kernel.redis import AWAY, connect, connect_async, rq_settings, safe_url
from hive_site.kernel.sentinel import is_watched, read_watched

URL = "redis+sentinel://hive:p%2Fw@a:26380,b,[::1]:26381/bees/3"


def test_an_address_names_sentinels_their_group_and_the_database():
    watched = read_watched(URL)

    assert watched.hosts == (("a", 26380), ("b", 26379), ("::1", 26381))
    assert watched.group == "bees"
    assert watched.login == {"username": "hive", "password": "p/w", "db": 3}
    assert watched.own_login == {}


def test_database_0_and_no_login_are_what_goes_without_saying():
    watched = read_watched("redis+sentinel://a/bees")

    assert (watched.login.get("db", 0), watched.login.get("password")) == (0, None)


def test_sentinels_may_have_a_login_of_their_own():
    watched = read_watched(f"{URL}?sentinel_username=w&sentinel_password=s%2B3")

    assert watched.own_login == {"username": "w", "password": "s+3"}
    assert watched.login["password"] == "p/w"


def test_tls_is_for_both_and_trusts_the_same():
    url = URL.replace("redis+", "rediss+") + "?ssl_ca_certs=/etc/ca.pem"

    watched = read_watched(url)

    assert watched.login["ssl"]
    assert watched.own_login["ssl"]
    assert watched.login["ssl_ca_certs"] == watched.own_login["ssl_ca_certs"] == "/etc/ca.pem"


@pytest.mark.parametrize(
    "url",
    [
        "redis+sentinel://a",
        "redis+sentinel://a/",
        "redis+sentinel:///bees",
        "redis+sentinel://a,,b/bees",
        "redis+sentinel://a:x/bees",
        "redis+sentinel://a:0/bees",
        "redis+sentinel://a:99999/bees",
        "redis+sentinel://a/bees/one",
    ],
)
def test_what_is_no_address_is_refused(url):
    with pytest.raises(ValueError):
        read_watched(url)


@pytest.mark.parametrize(
    ("url", "watched"), [(URL, True), ("redis://a/0", False), ("unix:///a", False), ("x", False)]
)
def test_an_address_of_sentinels_is_told_from_others(url, watched):
    assert is_watched(url) is watched


def test_clients_ask_the_sentinels_with_the_patience_of_any_other_client():
    blocking, hurried = connect(URL, blocking=True), connect(URL, hurried=True)

    assert isinstance(blocking.connection_pool, SentinelConnectionPool)
    assert blocking.connection_pool.connection_kwargs["socket_timeout"] == 30
    assert hurried.connection_pool.connection_kwargs["socket_timeout"] == 2
    assert isinstance(connect_async(URL).connection_pool, AsyncPool)


def test_what_an_address_says_goes_before_our_patience_as_with_any_other_address():
    url = f"{URL}?socket_timeout=9&client_name=mine"

    for client in (connect(url), connect_async(url), connect("redis://a/0?socket_timeout=9")):
        assert client.connection_pool.connection_kwargs["socket_timeout"] == 9


def test_sentinels_of_whom_none_answers_are_what_away_looks_like():
    with pytest.raises(AWAY):
        connect("redis+sentinel://127.0.0.1:1,127.0.0.1:2/bees").ping()


def test_django_rq_is_told_of_them():
    told = rq_settings(URL)

    assert told["SENTINELS"][0] == ("a", 26380)
    assert (told["MASTER_NAME"], told["DB"], told["PASSWORD"]) == ("bees", 3, "p/w")
    assert rq_settings("redis://a/0") == {"URL": "redis://a/0"}


def test_no_password_of_theirs_is_shown():
    shown = safe_url(f"{URL}?sentinel_password=s3cret")

    assert shown == "redis+sentinel://***@a:26380,b,[::1]:26381/bees/3?sentinel_password=***"
    assert "p/w" not in repr(read_watched(URL)) + repr(connect(URL))
