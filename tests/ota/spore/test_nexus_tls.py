"""A node speaks to its Nexus over TLS only if somebody whom it trusts vouches for that host."""

import pytest

from ota.spore.nexus import NexusAway, NexusClient
from tests.certificates import Authority
from tests.tls_server import answering


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path / "ours")


def sync(url, ca_file):
    return NexusClient(url, "spore-1", b"key", ca_file=str(ca_file)).sync({})


def test_its_own_authority_is_enough(authority):
    with answering(authority, "127.0.0.1") as nexus:
        assert sync(nexus.url, authority.ca_file) == {}
        assert [path for path, _ in nexus.asked] == ["/api/v1/ota/sync/"]


@pytest.mark.parametrize("trusted", ["nobody", "somebody else"])
def test_without_it_nothing_is_said(authority, tmp_path, trusted):
    other = Authority(tmp_path / "other", name="somebody else").ca_file
    with answering(authority, "127.0.0.1") as nexus:
        with pytest.raises(NexusAway, match="CERTIFICATE_VERIFY_FAILED"):
            sync(nexus.url, other if trusted == "somebody else" else "")

        assert nexus.asked == []


def test_a_certificate_of_another_host_is_none(authority):
    with answering(authority, "elsewhere.example") as nexus:
        with pytest.raises(NexusAway, match="CERTIFICATE_VERIFY_FAILED"):
            sync(nexus.url, authority.ca_file)

        assert nexus.asked == []
