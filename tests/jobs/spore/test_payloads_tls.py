"""Large values travel over TLS to a Nexus that somebody vouches for, or as text in the report."""

import pytest

from jobs.spore.payloads import PayloadOptions, Payloads
from tests.certificates import Authority
from tests.jobs.spore.cast import ME
from tests.tls_server import answering

VALUE = '"' + "x" * 1000 + '"'


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path / "ours")


def leave(url, tmp_path, ca_file=""):
    options = PayloadOptions(url, tmp_path / "blobs", ca_file=str(ca_file))
    return Payloads(options, ME, lambda: 0.0).leave(VALUE)


def test_a_value_is_left_with_whom_the_authority_vouches_for(authority, tmp_path):
    with answering(authority, "127.0.0.1") as nexus:
        nexus.status = 204

        reference = leave(nexus.url, tmp_path, authority.ca_file)

        assert len(nexus.asked) == 1
    assert reference != VALUE


@pytest.mark.parametrize("host", ["127.0.0.1", "elsewhere.example"])
def test_with_nobody_else(authority, tmp_path, host):
    trusted = authority.ca_file if host != "127.0.0.1" else ""
    with answering(authority, host) as nexus:
        kept = leave(nexus.url, tmp_path, trusted)

        assert (kept, nexus.asked) == (VALUE, [])
