"""A Spore's process: what it takes along, and when Django's own way starts it."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from hive_site.configuration import PROJECT
from hive_site.spore_start import MODULE, read_plain

CHILD = {"HIVE_LAUNCHER_FDS": "3,4", "DJANGO_SETTINGS_MODULE": MODULE}
AGENT = ["manage.py", "rqworker", "--home", "/h", "--name", "bee", "--slots", "2"]


def in_a_spore(script: str, **env: str) -> dict[str, object]:
    """What a script prints as JSON at the end of a start as a Spore's."""
    start = "from hive_site import spore_start\nspore_start.load_apps()\n"
    given = {k: v for k, v in os.environ.items() if not k.startswith("HIVE_")}
    ran = subprocess.run(
        [sys.executable, "-c", f"import json, sys\n{start}{script}"],
        cwd=PROJECT,
        env={**given, "DJANGO_SETTINGS_MODULE": MODULE, **env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not ran.returncode, ran.stderr
    told: dict[str, object] = json.loads(ran.stdout)
    return told


def test_a_launchers_child_is_started_with_what_it_was_given():
    more = ["--label", "site=lab", "--capability", "ffmpeg", "--nexus", "http://nexus"]

    options = read_plain([*AGENT, *more], CHILD)

    assert options == {
        "home": "/h",
        "name": "bee",
        "slots": 2,
        "label": ["site=lab"],
        "capability": ["ffmpeg"],
        "nexus": "http://nexus",
    }


@pytest.mark.parametrize(
    ("argv", "environ"),
    [
        (["manage.py", "foreman"], CHILD),
        (AGENT, {"DJANGO_SETTINGS_MODULE": MODULE}),
        (AGENT, {**CHILD, "DJANGO_SETTINGS_MODULE": "hive_site.settings"}),
        ([*AGENT, "--verbosity", "2"], CHILD),
        ([*AGENT, "--help"], CHILD),
        ([*AGENT, "mail"], CHILD),
        ([*AGENT, "--slots", "many"], CHILD),
        ([*AGENT, "--label"], CHILD),
    ],
)
def test_everything_else_is_for_djangos_own_way(argv, environ):
    assert read_plain(argv, environ) is None


def test_a_hive_that_is_switched_off_is_for_djangos_own_way(settings):
    settings.HIVE = replace(settings.HIVE, enabled=False)

    assert read_plain(AGENT, CHILD) is None


def test_it_takes_nothing_along_that_only_a_site_needs():
    script = """
from nodes.spore import agent
from jobs.spore import serving
from jobs.registry import load_tasks
load_tasks([])
print(json.dumps(sorted(sys.modules)))
"""

    loaded = set(in_a_spore(script))

    heavy = {
        *("django.db.models", "django.urls", "django.forms", "django.core.mail"),
        *("django.core.management", "django.contrib.auth", "django.http"),
        *("jobs.models", "nodes.models", "ota.models", "rich", "pynvml", "limits", "tuf"),
    }
    assert loaded & heavy == set()


def test_models_come_when_somebody_asks_for_them():
    script = """
from django.apps import apps
before = "jobs.models" in sys.modules
job = apps.get_model("jobs.Job")
from nodes.models import Node
print(json.dumps([before, job._meta.label, Node._meta.label]))
"""

    assert in_a_spore(script) == [False, "jobs.Job", "nodes.Node"]


def test_with_apps_of_its_own_everything_is_there_that_they_may_refer_to():
    script = """
from django.apps import apps
from django.contrib.auth import get_user_model
labels = [app.label for app in apps.get_app_configs()]
print(json.dumps([labels, get_user_model()._meta.label, "jobs.models" in sys.modules]))
"""

    labels, user, models = in_a_spore(script, HIVE_APPS="django.contrib.sites,django.contrib.auth")

    assert {"jobs", "nodes", "ota", "auth", "contenttypes", "sites"} <= set(labels)
    assert (user, models) == ("auth.User", True)


def test_nobody_in_a_spore_unpickles_what_is_in_redis():
    script = """
from rq import serializers
print(json.dumps({k: v.__name__ for k, v in serializers.SERIALIZER_ALIASES.items()}))
"""

    assert set(in_a_spore(script).values()) == {"SignedJSON"}


@pytest.mark.parametrize("module", ["hive_site.settings_spore", "hive_site.settings"])
def test_the_key_of_a_pool_is_known_as_a_secret(tmp_path, module):
    script = """
from django.conf import settings
settings.HIVE
from hive_site.kernel.redaction import redact
print(redact("key " + "ab" * 32))
"""
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": module, "HIVE_DATA_DIR": str(tmp_path)}
    env["HIVE_POOL_KEY"] = "ants:" + "ab" * 32

    told = subprocess.run(
        [sys.executable, "-c", script], env=env, capture_output=True, text=True, check=True
    )

    assert told.stdout == "key [redacted]\n"
