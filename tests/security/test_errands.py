"""Tasks and webhooks that are sent out by strangers cannot be led to what is ours.

That a name is asked for once, that TLS asks for the name in the address, that no proxy is used and
that no answer is unpacked beyond its limit: tests/jobs/articles.
"""

import socket

import pytest

from hive_site.kernel.errors import Invalid
from jobs.articles.fetching import fetch
from jobs.outcomes import Fail
from jobs.web import addresses
from jobs.web.connecting import Limits
from jobs.webhooks.address import check_webhook
from jobs.webhooks.sending import Parcel, Receipt, send
from tests.jobs.webhooks.receiver import SECRET
from tests.security.server import Server

QUICK = Limits(connect_seconds=0.5, total_seconds=1.0)
#: Our own machine, our own network and clouds' metadata, as those write them who try.
OURS = [
    *("127.0.0.1", "127.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001"),
    *("0.0.0.0", "0", "[::]", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]"),
    *("[64:ff9b::7f00:1]", "[64:ff9b::a9fe:a9fe]", "[2002:7f00:1::]", "[::7f00:1]"),
    *("169.254.169.254", "0xa9fea9fe", "2852039166", "100.100.100.200", "168.63.129.16"),
    *("192.0.0.192", "[fd00:ec2::254]", "localhost", "LOCALHOST", "localhost."),
]
#: Where one part of a program might read another host than the other.
CONFUSING = [
    "http://8.8.8.8@127.0.0.1:{port}/",
    "http://8.8.8.8:80@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}#@8.8.8.8/",
    "http://127.0.0.1:{port}?@8.8.8.8/",
    "http://127.0.0.1:{port}\\@8.8.8.8/",
    "http://127。0。0。1:{port}/",
    "http://①②⑦.0.0.1:{port}/",
    "http://[::ffff:127.0.0.1%25eth0]:{port}/",
]
#: What no part of an errand speaks.
SCHEMES = ["file:///etc/passwd", "gopher://127.0.0.1/", "ftp://127.0.0.1/", "unix:///run/redis"]


@pytest.fixture
def ours():
    """A server of our own, which nobody should reach."""
    with Server().open() as found:
        yield found


def post(url: str) -> Receipt:
    parcel = Parcel(id="msg_1", url=url, host="h", body="{}", tries=1)
    return send(parcel, secret=SECRET, allow_private=False, limits=QUICK)


@pytest.mark.parametrize("host", OURS)
def test_a_page_is_not_fetched_from_what_is_ours(host):
    # Some resolvers know no such spelling; then there is nobody to talk to.
    with pytest.raises((Fail, socket.gaierror), match=r"not public|Name or service|not known"):
        fetch(f"http://{host}:9/", allow_private=False, limits=QUICK)


@pytest.mark.parametrize("host", OURS)
def test_a_webhook_is_not_sent_to_what_is_ours(host):
    receipt = post(f"http://{host}:9/")

    assert receipt.refused or receipt.error.startswith("gaierror")


@pytest.mark.parametrize("form", CONFUSING)
def test_no_spelling_has_one_part_check_another_host_than_the_other_calls(ours, form):
    url = form.format(port=ours.port)

    with pytest.raises((Fail, OSError)):
        fetch(url, allow_private=False, limits=QUICK)
    receipt = post(url)

    assert (receipt.status, ours.asked) == (None, [])


@pytest.mark.parametrize("url", SCHEMES)
def test_nothing_but_the_web_is_spoken(url):
    with pytest.raises(Fail, match=r"http://|is no URL"):
        fetch(url, allow_private=True)

    assert post(url).refused


@pytest.mark.parametrize("place", [*SCHEMES, "//127.0.0.1:9/", "http://127.0.0.1:9/", "/next"])
def test_a_redirect_is_checked_like_an_address(ours, place, monkeypatch):
    ours.answers = [(302, {"Location": place})]
    real, looked = addresses.is_public, []

    def is_public(address):
        looked.append(address)
        # The first server is public, as far as anybody can tell.
        return len(looked) == 1 or real(address)

    monkeypatch.setattr(addresses, "is_public", is_public)

    with pytest.raises(Fail):
        fetch(ours.url, allow_private=False, limits=QUICK)

    assert len(ours.asked) == 1


def test_an_errand_carries_nothing_of_ours_along(ours, monkeypatch):
    monkeypatch.setenv("HIVE_NODE_KEY", "secret")
    ours.answers = [(302, {"Location": "/next", "Set-Cookie": "a=b; Path=/"})]

    fetch(ours.url.replace("://", "://user:password@"), allow_private=True)

    sent = {name for headers in ours.asked for name in headers}
    assert len(ours.asked) == 2
    assert sent == {"host", "user-agent", "accept", "accept-encoding", "connection"}


@pytest.mark.parametrize("tail", ["/\r\nX: 1", "/ HTTP/1.1\r\nX: 1", "\r\nX: 1/", "/\nX: 1", "/\t"])
def test_no_address_smuggles_a_header(tail):
    with pytest.raises(Invalid, match="no address of the web"):
        check_webhook(f"http://example.org{tail}")


def test_a_page_s_address_smuggles_no_header_either(ours):
    fetch(f"{ours.url}a HTTP/1.1\r\nX-Evil: 1\r\n", allow_private=True)

    assert [("x-evil" in headers) for headers in ours.asked] == [False]
