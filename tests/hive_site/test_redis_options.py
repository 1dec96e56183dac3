"""Where Redis is, and who vouches for it."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from hive_site.kernel.env import Env
from hive_site.redis_address import read_join_redis_url, read_redis_url
from hive_site.redis_options import read_ca_file, read_redis_acl
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
