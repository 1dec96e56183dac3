"""With what an address of Redis says one comes in."""

import pytest

from hive_site.kernel.redis_login import has_login, with_login, without


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("redis://h:1/0", False),
        ("redis://h:1/0?ssl_min_version=771", False),
        ("redis://:pw@h:1/0", True),
        ("redis://user@h:1/0", True),
        ("redis://h:1/0?password=pw", True),
        ("redis+sentinel://a:1,b:2/m", False),
        ("redis+sentinel://:pw@a:1,b:2/m", True),
    ],
)
def test_an_address_says_who_comes_in_or_not(url, found):
    assert has_login(url) is found


@pytest.mark.parametrize(
    ("url", "theirs"),
    [
        ("redis://h:1/0", "redis://me%2F:p%40@h:1/0"),
        ("redis://you:other@h:1/0?x=1", "redis://me%2F:p%40@h:1/0?x=1"),
        ("redis://h:1/0?username=you&password=other&x=1", "redis://me%2F:p%40@h:1/0?x=1"),
        ("unix:///run/redis.sock?db=1", "unix://me%2F:p%40@/run/redis.sock?db=1"),
    ],
)
def test_there_is_one_login_and_no_other(url, theirs):
    assert with_login(url, "me/", "p@") == theirs


def test_what_is_left_out_is_nowhere():
    assert without("redis://h/0?a=1&b=2", frozenset({"a"})) == "redis://h/0?b=2"


def test_the_address_of_a_socket_stays_one():
    url = "unix:///run/redis.sock?db=1"

    assert without(url, frozenset({"ssl_ca_certs"})) == url
