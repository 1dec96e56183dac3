"""Connections go to the address that was checked, and ask for the name that was given."""

import socket
import ssl
from pathlib import Path

import pytest

from jobs.articles.fetching import fetch
from jobs.web import connecting
from tests.jobs.articles.site import PROSE, serve

NAME = "articles.example"
#: The key and certificate of NAME, signed by itself.
CERTIFICATE = Path(__file__).with_name(f"{NAME}.pem")


@pytest.fixture
def secure_site(monkeypatch):
    """The port of a site for NAME, and the names it is asked for; its certificate is trusted."""
    asked, context = [], ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    context.sni_callback = lambda sock, name, context: asked.append(name)
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    with serve(context) as port:
        yield port, asked


@pytest.fixture
def point(monkeypatch):
    """Have names resolved to the given addresses."""

    def to(*addresses):
        monkeypatch.setattr(connecting, "resolve", lambda host, **options: list(addresses))

    return to


def test_tls_asks_the_checked_address_for_the_name_in_the_url(secure_site, point):
    port, asked = secure_site
    point("127.0.0.1")

    page = fetch(f"https://{NAME}:{port}/text", allow_private=False)

    assert page.text == PROSE
    assert asked == [NAME]


def test_a_certificate_for_another_name_is_refused(secure_site, point):
    port, _ = secure_site
    point("127.0.0.1")

    with pytest.raises(Exception, match="Hostname mismatch"):
        fetch(f"https://other.example:{port}/text", allow_private=False)


def test_a_certificate_that_nobody_vouches_for_is_refused(secure_site, point, monkeypatch):
    port, _ = secure_site
    point("127.0.0.1")
    monkeypatch.delenv("SSL_CERT_FILE")

    with pytest.raises(Exception, match=r"self.signed"):
        fetch(f"https://{NAME}:{port}/text", allow_private=False)


def test_the_next_address_is_tried_when_the_first_does_not_answer(site, point):
    point("127.0.0.2", "127.0.0.1")

    assert fetch(f"{site}/text", allow_private=False).text == PROSE


def test_the_name_server_is_asked_once_so_that_its_second_answer_changes_nothing(site, monkeypatch):
    asked, real = [], socket.getaddrinfo

    def answer(host, *args, **options):
        asked.append(host)
        return real("127.0.0.1" if host == NAME else host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    port = site.rpartition(":")[2]

    assert fetch(f"http://{NAME}:{port}/host", allow_private=True).text == f"{NAME}:{port}"
    assert asked.count(NAME) == 1
