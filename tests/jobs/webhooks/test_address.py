import dataclasses

import pytest

from hive_site.kernel.errors import Invalid
from jobs.webhooks.address import check_webhook


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://example.org/hook?a=b", "https://example.org/hook?a=b"),
        ("HTTP://Example.org:8443", "http://example.org:8443"),
        ("https://example.org/a#part", "https://example.org/a"),
        ("https://8.8.8.8/", "https://8.8.8.8/"),
        ("https://[2606:4700::1111]/x", "https://[2606:4700::1111]/x"),
        ("https://example.org/ä", "https://example.org/%C3%A4"),
    ],
)
def test_addresses_of_the_web_are_kept_as_they_are_sent(given, kept):
    assert check_webhook(given) == kept


@pytest.mark.parametrize(
    "given",
    [
        *("", "example.org", "ftp://example.org/", "http://", "http:///x", "javascript:alert(1)"),
        *("https://exa mple.org/", "https://example.org/\n", "https://example.org:0/", "http://[x"),
        *(
            "https://example.org/\x00",
            "https://example.org:99999/",
            "//example.org/",
            "file:///etc",
        ),
        *(5, None, ["https://example.org"], "https://example.org/" + "x" * 500),
        "https://example.org/" + "ä" * 400,
        "https://example.org/\ud800",
    ],
)
def test_what_is_no_address_of_the_web_is_refused(given):
    with pytest.raises(Invalid) as refusal:
        check_webhook(given)
    assert refusal.value.field == "webhook"


def test_credentials_are_refused_and_not_repeated():
    with pytest.raises(Invalid, match="must not hold credentials") as refusal:
        check_webhook("https://me:secret@example.org/")
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "10.0.0.1", "localhost", "127.1", "0x7f.1"])
def test_private_addresses_are_refused_unless_they_are_allowed(settings, host):
    url = f"http://{host}/hook"
    with pytest.raises(Invalid, match="is not public; HIVE_ALLOW_PRIVATE_ADDRESSES=true allows it"):
        check_webhook(url)

    settings.HIVE = dataclasses.replace(settings.HIVE, allow_private_addresses=True)

    assert check_webhook(url) == url
