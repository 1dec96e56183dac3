"""No spelling of a private address passes for a public one."""

import pytest

from jobs.outcomes import Fail
from jobs.web.addresses import is_public, resolve

PRIVATE = [
    "0.0.0.0",
    "10.1.2.3",
    "168.63.129.16",
    "192.0.0.192",
    "192.88.99.1",
    "198.18.0.1",
    "240.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "192.168.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "64:ff9b::10.0.0.1",
    "64:ff9b::168.63.129.16",
    "64:ff9b:1::8.8.8.8",
    "::ffff:0:127.0.0.1",
    "2001::1",
    "2001:db8::1",
    "3fff::1",
    "2002:7f00:1::",
    "fc00::1",
    "fe80::1%1",
    "fec0::1",
    "ff02::1",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_a_private_address_is_not_public_however_it_is_wrapped(address):
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"]
)
def test_a_public_address_is_public(address):
    assert is_public(address)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "2130706433", "0x7f.1", "localhost", "::1"])
def test_a_host_at_a_private_address_is_refused(host):
    with pytest.raises(Fail, match="not public"):
        resolve(host, port=80, allow_private=False)


def test_one_private_address_among_public_ones_is_enough(monkeypatch):
    rows = [(2, 1, 6, "", (address, 80)) for address in ("8.8.8.8", "10.0.0.1")]
    monkeypatch.setattr("socket.getaddrinfo", lambda *args, **options: rows)

    with pytest.raises(Fail, match=r"10\.0\.0\.1"):
        resolve("two.example", port=80, allow_private=False)


def test_a_name_that_no_host_can_have_fails_for_good():
    with pytest.raises(Fail, match="no host's name"):
        resolve("a" * 64 + ".example", port=80, allow_private=False)
