"""Where Redis is, and who vouches for it."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from hive_site.kernel.env import Env
from hive_site.redis_address import read_join_redis_url, read_redis_url
from hive_site.redis_options import read_ca_file, read_redis_acl, read_redis_pools
from nodes.spore.pools import read_pool
from tests.certificates import Authority


@pytest.fixture
def ca(tmp_path):
    return str(Authority(tmp_path / "tls").ca_file)


def test_with_tls_an_address_names_who_vouches_for_the_server(tmp_path, ca):
    env = Env({"REDIS_URL": "rediss://:p%2Fw@h:6379/0?ssl_min_version=771", "HIVE_CA_FILE": ca})

    found = read_redis_url(env, tmp_path)

    assert found.startswith("rediss://:p%2Fw@h:6379/0?ssl_min_version=771&ssl_ca_certs=")


@pytest.mark.parametrize("url", ["redis://h:1/0", "rediss://h:1/0?ssl_ca_certs=%2Fother.pem"])
def test_without_tls_or_with_others_it_stays_as_it_is(tmp_path, ca, url):
    assert read_redis_url(Env({"REDIS_URL": url, "HIVE_CA_FILE": ca}), tmp_path) == url


def test_nobody_vouches_unless_somebody_is_named(tmp_path):
    assert read_redis_url(Env({"REDIS_URL": "rediss://h:1/0"}), tmp_path) == "rediss://h:1/0"


def test_a_spore_of_a_pool_comes_in_as_that(tmp_path):
    key = f"ants:{'ab' * 32}"
    _, password = read_pool(key).login

    of_parts = read_redis_url(Env({"REDIS_HOST": "h", "HIVE_POOL_KEY": key}), tmp_path, spore=True)
    sentinels = Env({"REDIS_URL": "redis+sentinel://a:1,b:2/m", "HIVE_POOL_KEY": key})
    of_sentinels = read_redis_url(sentinels, tmp_path, spore=True)

    assert of_parts == f"redis://pool%3Aants:{password}@h:6379/0"
    assert of_sentinels == f"redis+sentinel://pool%3Aants:{password}@a:1,b:2/m"


@pytest.mark.parametrize(
    "variables",
    [
        {"REDIS_URL": "redis://:pw@h:1/0"},
        {"REDIS_URL": "redis://h:1/0?password=pw"},
        {"REDIS_URL": "redis://h:1/0", "HIVE_REDIS_ACL": "off"},
    ],
)
def test_whoever_is_told_otherwise_does_not(tmp_path, variables):
    env = Env({**variables, "HIVE_POOL_KEY": f"ants:{'ab' * 32}"})

    assert read_redis_url(env, tmp_path, spore=True) == variables["REDIS_URL"]


def test_whoever_is_no_spore_has_no_use_for_the_key_of_a_pool(tmp_path):
    env = Env({"REDIS_HOST": "h", "HIVE_POOL_KEY": f"ants:{'ab' * 32}"})

    assert read_redis_url(env, tmp_path) == "redis://h:6379/0"


def test_a_wrong_key_of_a_pool_stops_the_start_and_is_not_told(tmp_path):
    with pytest.raises(ImproperlyConfigured, match="HIVE_POOL_KEY: give POOL:KEY") as told:
        read_redis_url(Env({"HIVE_POOL_KEY": "ants:hush"}), tmp_path, spore=True)

    assert "hush" not in str(told.value)


def test_pools_are_users_of_redis_by_their_names():
    assert read_redis_pools(Env({"HIVE_REDIS_POOLS": "spore, gpu"})) == ["spore", "gpu"]
    assert read_redis_pools(Env({})) == []


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"HIVE_REDIS_POOLS": "a--b"}, "HIVE_REDIS_POOLS='a--b': give names"),
        ({"HIVE_REDIS_POOLS": "a", "HIVE_REDIS_ACL": "off"}, "nobody is a user"),
    ],
)
def test_pools_that_cannot_be_users_stop_the_start(variables, told):
    with pytest.raises(ImproperlyConfigured, match=told):
        read_redis_pools(Env(variables))


@pytest.mark.parametrize("text", [None, "", "no certificate"])
def test_a_file_without_certificates_stops_the_start(tmp_path, text):
    path = tmp_path / "ca.pem"
    if text is not None:
        path.write_text(text)

    with pytest.raises(ImproperlyConfigured, match=r"HIVE_CA_FILE=.*give a readable file"):
        read_ca_file(Env({"HIVE_CA_FILE": str(path)}))


def test_wrong_words_stop_the_start():
    with pytest.raises(ImproperlyConfigured, match="give auto, require, off"):
        read_redis_acl(Env({"HIVE_REDIS_ACL": "yes"}))
    with pytest.raises(ImproperlyConfigured, match="HIVE_JOIN_REDIS_URL: give an address") as told:
        read_join_redis_url(Env({"HIVE_JOIN_REDIS_URL": "http://:secret@h"}))
    assert "secret" not in str(told.value)
