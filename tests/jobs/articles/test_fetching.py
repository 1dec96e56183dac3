"""Fetching reads the public web and nothing else."""

import gzip
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from jobs.articles import fetching
from jobs.articles.extraction import read_article
from jobs.articles.fetching import MAX_BYTES, Page, fetch, resolve
from jobs.outcomes import Fail, Retry

HTML = "<html><head><title>B &amp; B</title></head><body><article><p>%s</p></article></body></html>"
PROSE = "Bees make honey from the nectar of the flowers that they visit all summer long. " * 8


class Site(BaseHTTPRequestHandler):
    """Every page that a test needs."""

    def do_GET(self) -> None:
        match self.path:
            case "/page":
                self.send_page((HTML % PROSE).encode(), type="text/html; charset=utf-8")
            case "/gzip":
                body = gzip.compress(PROSE.encode())
                self.send_page(body, type="text/plain", encoding="gzip")
            case "/latin":
                self.send_page("Ein Bär".encode("latin-1"), type="text/plain; charset=latin-1")
            case "/huge":
                self.send_page(b"x" * (MAX_BYTES + 1), type="text/plain")
            case "/host":
                self.send_page(self.headers["Host"].encode(), type="text/plain")
            case "/loop":
                self.answer(302, Location="/loop")
            case "/to-page":
                self.answer(301, Location="/page")
            case "/busy":
                self.answer(429, **{"Retry-After": "7"})
            case "/broken":
                self.answer(500)
            case _:
                self.answer(404)

    def send_page(self, body: bytes, *, type: str, encoding: str = "identity") -> None:
        headers = {"Content-Type": type, "Content-Encoding": encoding}
        self.answer(200, **headers, **{"Content-Length": str(len(body))})
        self.wfile.write(body)

    def answer(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def site():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_a_page_is_read_with_its_charset(site):
    assert fetch(f"{site}/latin", allow_private=True).text == "Ein Bär"


def test_a_compressed_page_is_unpacked(site):
    assert fetch(f"{site}/gzip", allow_private=True).text == PROSE


def test_the_server_is_asked_by_the_name_in_the_url(site):
    port = site.rpartition(":")[2]

    page = fetch(f"http://localhost:{port}/host", allow_private=True)

    assert page.text == f"localhost:{port}"


def test_redirects_are_followed_to_their_end(site):
    assert fetch(f"{site}/to-page", allow_private=True).url == f"{site}/page"


def test_redirects_without_end_fail_for_good(site):
    with pytest.raises(Fail, match="redirects"):
        fetch(f"{site}/loop", allow_private=True)


def test_private_addresses_are_refused_unless_they_are_allowed(site):
    with pytest.raises(Fail, match="not public"):
        fetch(f"{site}/page", allow_private=False)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "::ffff:127.0.0.1", "0.0.0.0"]
)
def test_no_spelling_of_a_private_address_is_public(host):
    with pytest.raises(Fail, match="not public"):
        resolve(host, 80, allow_private=False)


def test_a_redirect_to_a_private_address_is_refused(site, monkeypatch):
    # The first hop counts as public, as a page of the web would; the second is checked for real.
    real, hops = fetching.resolve, []

    def first_hop_is_public(host: str, port: int, *, allow_private: bool) -> str:
        hops.append(host)
        return real(host, port, allow_private=len(hops) == 1)

    monkeypatch.setattr(fetching, "resolve", first_hop_is_public)

    with pytest.raises(Fail, match="not public"):
        fetch(f"{site}/to-page", allow_private=False)
    assert len(hops) == 2


@pytest.mark.parametrize(
    "url", ["ftp://a/b", "file:///etc/passwd", "no url", "http://", "http://[x"]
)
def test_what_is_no_web_address_fails_for_good(url):
    with pytest.raises(Fail):
        fetch(url, allow_private=True)


def test_a_page_that_is_too_large_fails_for_good(site):
    with pytest.raises(Fail, match="more than"):
        fetch(f"{site}/huge", allow_private=True)


def test_a_busy_server_is_asked_again_when_it_says(site):
    with pytest.raises(Retry) as caught:
        fetch(f"{site}/busy", allow_private=True)
    assert caught.value.after == 7


def test_a_missing_page_fails_for_good_and_a_broken_server_does_not(site):
    with pytest.raises(Fail, match="404"):
        fetch(f"{site}/missing", allow_private=True)
    with pytest.raises(Retry, match="500"):
        fetch(f"{site}/broken", allow_private=True)


def test_the_article_of_a_page_has_its_title_and_prose(site):
    article = read_article(fetch(f"{site}/page", allow_private=True))

    assert article.title == "B & B"
    assert "nectar of the flowers" in article.text


def test_plain_text_is_titled_by_its_first_line():
    page = Page("http://x/", "text/markdown", "# Bees\n\nThey dance.")

    assert read_article(page).title == "Bees"


def test_what_holds_no_text_fails_for_good():
    with pytest.raises(Fail, match="image/png"):
        read_article(Page("http://x/", "image/png", ""))
    with pytest.raises(Fail, match="no text"):
        read_article(Page("http://x/", "text/html", "<html></html>"))
