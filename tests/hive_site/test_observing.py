"""Settings of those who watch: wrong ones are told at the start."""

import sys

import pytest
from django.core.exceptions import ImproperlyConfigured

from hive_site import observing
from hive_site.kernel.env import Env
from hive_site.observing import read_observing


def read(**variables):
    return read_observing(Env(variables))


def test_nothing_is_told_to_anybody_unless_it_is_asked_for():
    options = read()

    assert (options.log_format, options.log_level) == ("line", "info")
    assert (options.tracing, options.sentry_dsn) == (False, "")


def test_words_are_taken_in_any_case():
    options = read(HIVE_LOG_FORMAT="JSON", HIVE_LOG_LEVEL="Debug")

    assert (options.log_format, options.log_level) == ("json", "debug")


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"HIVE_LOG_FORMAT": "xml"}, "HIVE_LOG_FORMAT='xml': give line or json"),
        (
            {"HIVE_LOG_LEVEL": "loud"},
            "HIVE_LOG_LEVEL='loud': give debug or info or warning or error",
        ),
        ({"HIVE_TRACING": "maybe"}, "HIVE_TRACING='maybe': give true or false"),
        ({"SENTRY_DSN": "not one"}, "SENTRY_DSN: give the address that Sentry shows"),
    ],
)
def test_a_wrong_value_is_told_with_what_is_allowed(variables, told):
    pytest.importorskip("sentry_sdk")

    with pytest.raises(ImproperlyConfigured, match=told):
        read(**variables)


@pytest.mark.parametrize(
    ("variables", "packages"),
    [
        ({"HIVE_TRACING": "true"}, "opentelemetry-sdk and opentelemetry-exporter-otlp-proto-http"),
        ({"SENTRY_DSN": "https://key@host/1"}, "sentry-sdk"),
    ],
)
def test_a_package_that_is_missing_is_named(monkeypatch, variables, packages):
    monkeypatch.setattr(observing, "find_spec", lambda name: None)

    with pytest.raises(ImproperlyConfigured, match=f"needs {packages}; pip install -r"):
        read(**variables)


def test_the_address_of_sentry_is_not_shown():
    pytest.importorskip("sentry_sdk")

    assert "host" not in repr(read(SENTRY_DSN="https://key@host/1"))


def test_whoever_wants_neither_loads_neither():
    import subprocess

    script = """
import sys
from hive_site.kernel.env import Env
from hive_site.observing import read_observing, start_observing
start_observing("nexus", read_observing(Env({})), release="1")
print([m for m in sys.modules if m.startswith(("opentelemetry", "sentry_sdk"))])
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert ran.stdout.strip() == "[]"
