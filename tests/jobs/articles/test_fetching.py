"""Fetching reads the public web and nothing else."""

from dataclasses import replace

import pytest

from jobs.articles.fetching import fetch
from jobs.outcomes import Fail, Retry
from jobs.web import connecting
from jobs.web.addresses import resolve
from jobs.web.connecting import LIMITS
from tests.jobs.articles.site import PROSE, TRICKLES, Site

IMPATIENT = replace(LIMITS, total_seconds=0.2)


def read(url):
    return fetch(url, allow_private=True)


def test_a_page_is_read_with_its_charset(site):
    assert read(f"{site}/latin").text == "Ein Bär"


def test_a_compressed_page_is_unpacked(site):
    assert read(f"{site}/gzip").text == PROSE


def test_a_page_comes_with_its_media_type_and_its_final_url(site):
    page = read(f"{site}/to-page")

    assert (page.url, page.media_type) == (f"{site}/page", "text/html")


def test_a_path_that_needs_quoting_arrives_quoted_and_without_its_fragment(site):
    assert read(f" {site}/ä b?q=1 2#part ").text == "/%C3%A4%20b?q=1%202"


def test_the_server_is_asked_by_the_name_in_the_url(site):
    port = site.rpartition(":")[2]

    assert read(f"http://localhost:{port}/host").text == f"localhost:{port}"


def test_a_proxy_in_the_environment_is_not_used(site, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    assert read(f"{site}/text").text == PROSE


def test_the_setting_decides_on_private_addresses(site, settings):
    settings.HIVE = replace(settings.HIVE, allow_private_addresses=True)
    assert fetch(f"{site}/text").text == PROSE

    settings.HIVE = replace(settings.HIVE, allow_private_addresses=False)
    with pytest.raises(Fail, match="HIVE_ALLOW_PRIVATE_ADDRESSES"):
        fetch(f"{site}/text")


def test_a_redirect_to_a_private_address_is_refused(site, monkeypatch):
    # The first hop counts as public, as a page of the web would; the second is checked for real.
    hops = []

    def first_hop_is_public(host, *, port, allow_private):
        hops.append(host)
        return resolve(host, port=port, allow_private=len(hops) == 1)

    monkeypatch.setattr(connecting, "resolve", first_hop_is_public)

    with pytest.raises(Fail, match="not public"):
        fetch(f"{site}/to-page", allow_private=False)
    assert len(hops) == 2


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/loop", "more than 3 redirects"),
        ("/nowhere", "without a Location"),
        ("/to-file", "http://"),
        ("/to-nonsense", "no URL"),
    ],
)
def test_a_redirect_that_leads_nowhere_fails_for_good(site, path, reason):
    with pytest.raises(Fail, match=reason):
        read(site + path)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a/b",
        "file:///etc/passwd",
        "no url",
        "http://",
        "http://[x",
        "//a/b",
        "",
        "http://a:b",
    ],
)
def test_what_is_no_web_address_fails_for_good(url):
    with pytest.raises(Fail, match="URL"):
        read(url)


@pytest.mark.parametrize("path", ["/huge", "/bomb"])
def test_a_page_that_is_too_large_fails_for_good_packed_or_not(site, path):
    with pytest.raises(Fail, match="more than the 5242880 bytes"):
        read(site + path)


@pytest.mark.parametrize("path", TRICKLES)
def test_a_page_that_trickles_is_cut_off_and_may_be_tried_again(site, path):
    with pytest.raises(TimeoutError, match="took too long"):
        fetch(site + path, allow_private=True, limits=IMPATIENT)
    assert path not in Site.read_to_the_end


@pytest.mark.parametrize("status", [408, 425, 429, 500, 503])
def test_a_busy_or_broken_server_is_asked_again_when_it_says(site, status):
    with pytest.raises(Retry, match=str(status)) as caught:
        read(f"{site}/status/{status}/7")
    assert caught.value.after == 7


def test_without_a_word_on_when_the_tasks_backoff_decides(site):
    with pytest.raises(Retry) as caught:
        read(f"{site}/status/503")
    assert caught.value.after is None


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 204])
def test_a_refusal_fails_for_good(site, status):
    with pytest.raises(Fail, match=str(status)):
        read(f"{site}/status/{status}")


def test_a_server_that_is_down_may_be_tried_again():
    with pytest.raises(Exception, match="refused") as caught:
        read("http://127.0.0.1:1/")
    assert not isinstance(caught.value, Fail)
