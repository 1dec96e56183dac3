"""What Sentry is told: what broke here, and nothing that people sent."""

import json
import subprocess
import sys

import pytest

pytest.importorskip("sentry_sdk")

from tests.hive_site.ingest import ingesting

SECRET = "correct-horse-battery"
#: A process that breaks in every way that is told, and in some that are not.
SCRIPT = f"""
import logging, logging.config, os
import structlog
from hive_site.kernel.redaction import conceal
from hive_site.kernel.subject import set_subject
from hive_site.logs import logging_config
from hive_site.sentry import start_sentry

logging.config.dictConfig(logging_config("foreman"))
conceal("{SECRET}")
start_sentry("spore", dsn=os.environ["DSN"], release="1.2.0", node="gpu-1")
set_subject(lambda: {{"job": "job_1", "subtask": 7}})
log = structlog.get_logger("jobs.test")

def break_(item):
    raise ValueError(f"no use for {SECRET}")

log.info("it.begins", password="hunter22")
log.warning("redis.away", error="it passes")
for node in ("a", "b"):
    try:
        break_({{"private": "payload of a person"}})
    except ValueError:
        log.exception("it.broke", node=node, token="hunter22")
log.error("report.dead_letter", reports=3)
logging.getLogger("some.library").error("cannot %s", "go on")
break_({{"private": "payload of a person"}})
"""


@pytest.fixture(scope="module")
def told():
    with ingesting() as ingest:
        ran = subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env={"DSN": ingest.dsn, "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ran.returncode == 1, ran.stderr
        yield ingest.events()


def kind_of(event):
    return [value["type"] for value in event.get("exception", {}).get("values", ())]


def test_what_broke_is_told_and_what_passes_is_not(told):
    assert [event.get("logentry", {}).get("message") for event in told] == [
        "it.broke",
        "it.broke",
        "report.dead_letter",
        "cannot %s",
        None,
    ]
    assert [kind_of(event) for event in told] == [
        ["ValueError"],
        ["ValueError"],
        [],
        [],
        ["ValueError"],
    ]


def test_it_is_told_by_whom(told):
    for event in told:
        assert event["release"] == "the-hive@1.2.0"
        assert event["tags"] == {"process": "spore", "node": "gpu-1"}
        assert event["server_name"] == "gpu-1"
    assert told[0]["extra"] == {"node": "a", "token": "[redacted]", "job": "job_1", "subtask": 7}


def test_the_same_fault_is_one_issue_whatever_its_fields_are(told):
    assert told[0]["fingerprint"] == told[1]["fingerprint"] == ["it.broke", "{{ default }}"]


def test_nobodys_secrets_and_payloads_are_told(told):
    text = json.dumps(told)

    for secret in (SECRET, "hunter22", "payload of a person"):
        assert secret not in text.replace(SCRIPT, ""), secret
    frames = told[0]["exception"]["values"][0]["stacktrace"]["frames"]
    assert all("vars" not in frame for frame in frames)


def test_of_a_request_only_the_address_is_told():
    from hive_site.sentry import scrub

    request = {
        **{"method": "POST", "url": "http://h/api/v1/jobs/?token=hunter22"},
        **{"headers": {"Authorization": "Bearer x"}, "cookies": "a=b", "data": {"items": [1]}},
        **{"env": {"REMOTE_ADDR": "10.0.0.1"}, "query_string": "token=hunter22"},
    }

    event = scrub({"request": request, "user": {"ip_address": "10.0.0.1"}}, {})

    assert event["request"] == {"method": "POST", "url": "http://h/api/v1/jobs/?token=[redacted]"}
    assert "user" not in event


#: A view that breaks while somebody sends all that is theirs.
SITE = """
import django
django.setup()
from django.test import Client
import hive_site.urls

def break_(request):
    raise RuntimeError("nobody foresaw this")

break_.__module__ = "hive_site.health"
from django.urls import path
hive_site.urls.urlpatterns.append(path("broken/", break_))
headers = {"Authorization": "Bearer hive_" + "a" * 43, "Cookie": "sessionid=hunter22"}
answer = Client(raise_request_exception=False, headers=headers).post(
    "/broken/?token=hunter22", {"items": "payload of a person"}, content_type="application/json"
)
print(answer.status_code)
"""


def test_a_view_that_breaks_is_told_without_what_its_caller_sent(tmp_path):
    with ingesting() as ingest:
        ran = subprocess.run(
            [sys.executable, "-c", SITE],
            env={
                **{"SENTRY_DSN": ingest.dsn, "PATH": "/usr/bin:/bin"},
                "DJANGO_SETTINGS_MODULE": "hive_site.settings",
                "ALLOWED_HOSTS": "testserver",
                "HIVE_DATA_DIR": str(tmp_path),
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )

    assert ran.stdout.strip() == "500", ran.stderr
    [event] = ingest.events()
    assert event["exception"]["values"][-1]["value"] == "nobody foresaw this"
    assert event["transaction"] == "/broken/"
    text = json.dumps(event)
    for secret in ("hunter22", "payload of a person", "a" * 43, "sessionid"):
        assert secret not in text, secret
