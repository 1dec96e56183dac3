"""What nobody should read is not shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_site.kernel import redaction
from hive_site.kernel.redaction import HIDDEN, conceal, conceal_login, is_secret, redact


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch):
    monkeypatch.setattr(redaction, "_known", ())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("key hive_" + "a" * 43, f"key hive_{HIDDEN}"),
        ("join hivejoin_" + "a" * 43, f"join hivejoin_{HIDDEN}"),
        ("key hive_short", "key hive_short"),
        ("redis://:p4ss@host:6379/0", f"redis://:{HIDDEN}@host:6379/0"),
        ("postgres://ann:p4ss@db/hive", f"postgres://ann:{HIDDEN}@db/hive"),
        ("postgres://hive:s3@cret@db/hive", f"postgres://hive:{HIDDEN}@db/hive"),
        ("Not Found: /login/" + "x-_9" * 11 + "/", f"Not Found: /login/{HIDDEN}/"),
        ("page.unavailable path=/login/ error=x", "page.unavailable path=/login/ error=x"),
        ("http://127.0.0.1:8000/jobs/ and a@b", "http://127.0.0.1:8000/jobs/ and a@b"),
        ("job_01KYCHWB5VWWMY6YWZ72EA14HD", "job_01KYCHWB5VWWMY6YWZ72EA14HD"),
        ("Authorization: Bearer abcdefghij", f"Authorization: {HIDDEN} {HIDDEN}"),
        ("password=hunter22 user=ann", f"password={HIDDEN} user=ann"),
        ("?api_key=hunter22&q=1", f"?api_key={HIDDEN}&q=1"),
        ('{"client_secret": "hunter22"}', f'{{"client_secret": "{HIDDEN}"}}'),
        ("whsec_" + "b" * 32, f"whsec_{HIDDEN}"),
        ("ValueError: no such node: 'bee'", "ValueError: no such node: 'bee'"),
        ("HIVE_POOL_KEY=ants:ab12", f"HIVE_POOL_KEY={HIDDEN}"),
        ("AWS_SECRET_ACCESS_KEY=AbC/d+e", f"AWS_SECRET_ACCESS_KEY={HIDDEN}"),
        ("tokens=12", "tokens=12"),
        ("GET /login/" + "c" * 43 + "/ 500", f"GET /login/{HIDDEN}/ 500"),
    ],
)
def test_secrets_are_known_by_their_form(text, shown):
    assert redact(text) == shown


def test_a_private_key_is_known_even_if_its_end_is_cut_off():
    text = "-----BEGIN PRIVATE KEY-----\nMIIEvQ\nIBADANBg"

    assert redact(text) == f"-----BEGIN PRIVATE KEY-----{HIDDEN}"


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("password", True),
        ("redis_password", True),
        ("Authorization", True),
        ("http.authorization", True),
        ("api_key", True),
        ("stop_token", True),
        ("pool_key", True),
        ("key", False),
        ("tokens", False),
        ("subtask", False),
    ],
)
def test_fields_are_known_by_their_names(name, secret):
    assert is_secret(name) is secret


def test_what_is_known_is_hidden_however_it_is_written():
    conceal("s3cr3t/with slash", "short")
    conceal_login("redis://:pass%2Fword1@host")

    told = redact("s3cr3t/with slash s3cr3t%2Fwith%20slash short pass/word1 pass%2Fword1")

    assert told == f"{HIDDEN} {HIDDEN} short {HIDDEN} {HIDDEN}"


def test_addresses_may_hold_passwords_among_their_parameters():
    conceal_login("redis+sentinel://a,b/bees?db=123456789&sentinel_password=s3%2Bcr3t-of-theirs")

    assert redact("s3+cr3t-of-theirs 123456789") == f"{HIDDEN} 123456789"


@given(st.text(min_size=8), st.text(), st.text())
def test_no_text_around_a_secret_shows_it(secret, before, after):
    redaction._known = ()
    conceal(secret)

    shown = redact(f"{before}{secret}{after}")

    assert secret not in shown or secret in HIDDEN or secret in f"{before}{HIDDEN}{after}"
