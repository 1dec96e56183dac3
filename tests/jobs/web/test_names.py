import pytest

from jobs.web.addresses import is_private_name


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "10.1.2.3", "192.168.0.1", "169.254.169.254", "0.0.0.0", "100.64.0.1"),
        *("[::1]", "[fe80::1%25eth0]", "[fc00::1]", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]"),
        *("localhost", "LOCALHOST", "localhost.", "db.localhost"),
        *("127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0x7f.1", "127.0.0.1."),
    ],
)
def test_what_is_plainly_our_own_is_private_in_every_spelling(host):
    assert is_private_name(host)


@pytest.mark.parametrize(
    "host", ["example.org", "8.8.8.8", "[2606:4700::1111]", "localhost.example.org", "0x7f.example"]
)
def test_what_may_be_public_is_asked_for_when_it_is_sent(host):
    assert not is_private_name(host)
