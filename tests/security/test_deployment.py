"""What Django and we ask of a Nexus in production."""

import json
import subprocess
import sys

import pytest

from hive_site.configuration import PROJECT
from tests.end_to_end.colony import clean_environment

FACTS = """
import json
from django.conf import settings
names = ("DEBUG", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SESSION_COOKIE_HTTPONLY",
         "SECURE_HSTS_SECONDS", "SECURE_PROXY_SSL_HEADER", "SESSION_COOKIE_NAME",
         "CSRF_COOKIE_NAME", "SESSION_COOKIE_DOMAIN", "SESSION_COOKIE_PATH")
print(json.dumps({name: getattr(settings, name) for name in names}))
"""


@pytest.fixture
def manage(tmp_path):
    """Runs a command of the project with the environment of a Nexus behind a TLS proxy."""

    def run(*argv, **also):
        given = {"HIVE_DATA_DIR": str(tmp_path / "hive"), "HIVE_HTTPS": "true"}
        given |= {"ALLOWED_HOSTS": "hive.example"}
        return subprocess.run(
            [sys.executable, str(PROJECT / "manage.py"), *argv],
            env=clean_environment(**given | also),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


def test_django_finds_nothing_to_warn_of(manage):
    checked = manage("check", "--deploy", "--fail-level", "WARNING")

    assert checked.returncode == 0, checked.stderr


def test_it_would_find_a_key_that_is_too_short(manage):
    checked = manage("check", "--deploy", "--fail-level", "WARNING", SECRET_KEY="short")

    assert (checked.returncode, "security.W009" in checked.stderr) == (1, True)


@pytest.mark.parametrize(
    ("given", "secure", "seconds"),
    [
        ({}, True, 30 * 86400),
        ({"HIVE_HSTS_SECONDS": "0"}, True, 0),
        ({"HIVE_HSTS_SECONDS": "600"}, True, 600),
        ({"HIVE_HTTPS": "false"}, False, 0),
    ],
)
def test_with_tls_cookies_and_browsers_know_nothing_else(manage, given, secure, seconds):
    told = json.loads(manage("shell", "-v", "0", "-c", FACTS, **given).stdout)

    prefix = "__Host-" if secure else ""
    assert told == {
        "DEBUG": False,
        "SESSION_COOKIE_SECURE": secure,
        "CSRF_COOKIE_SECURE": secure,
        "SESSION_COOKIE_HTTPONLY": True,
        "SECURE_HSTS_SECONDS": seconds,
        "SECURE_PROXY_SSL_HEADER": ["HTTP_X_FORWARDED_PROTO", "https"] if secure else None,
        "SESSION_COOKIE_NAME": f"{prefix}sessionid",
        "CSRF_COOKIE_NAME": f"{prefix}csrftoken",
        # What the prefix demands.
        "SESSION_COOKIE_DOMAIN": None,
        "SESSION_COOKIE_PATH": "/",
    }
