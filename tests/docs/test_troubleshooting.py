"""What troubleshooting.md quotes is what the programs say; some of it is provoked here."""

import ast
import importlib
import inspect
import re
import socket
import subprocess
import sys

import pytest

from hive_site.configuration import PROJECT
from tests.documents import MARKDOWN
from tests.end_to_end.colony import clean_environment, manage

PAGE = PROJECT / "docs" / "guide" / "troubleshooting.md"
PARTS = ("hive_site", "jobs", "nodes", "ota")
#: What others say, and whose module has it.
FOREIGN = {
    "CSRF verification failed": "django.views.csrf",
    "Origin checking failed": "django.middleware.csrf",
    "Request was throttled.": "rest_framework.exceptions",
}
#: What SQLite says; provoked below.
PROVOKED = {"no such table"}
#: Between what is the same every time.
SEAMS = re.compile(r"…|[:;'=]")
FRAGMENT = re.compile(r"\w.{3,}")


def quotes():
    """What the first column of each table of the page quotes."""
    rows, cell = MARKDOWN.parse(PAGE.read_text()), 0
    for token in rows:
        cell = 0 if token.type == "tr_open" else cell + (token.type == "td_open")
        if token.type == "inline" and cell == 1:
            yield from (child.content for child in token.children if child.type == "code_inline")


def said_by_code():
    """Every text in the code, as its source has it, in one."""
    texts = []
    for path in [*(p for part in PARTS for p in (PROJECT / part).rglob("*.py")),
                 PROJECT / "manage.py"]:  # fmt: skip
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.JoinedStr):
                texts.append("".join(getattr(part, "value", "…") if isinstance(part, ast.Constant)
                                     else "…" for part in node.values))  # fmt: skip
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.append(node.value)
            elif isinstance(node, ast.ClassDef):  # errors are told by their names
                texts.append(node.name)
    return "\n".join(texts)


SAID = said_by_code()


@pytest.mark.parametrize("quote", sorted(set(quotes()) - PROVOKED))
def test_what_is_quoted_is_said(quote):
    if quote in FOREIGN:
        assert quote in inspect.getsource(importlib.import_module(FOREIGN[quote]))
        return
    fragments = [part.strip() for part in SEAMS.split(quote) if FRAGMENT.search(part)]

    assert fragments, f"{quote!r} says too little to be looked for"
    assert [part for part in fragments if part not in SAID] == []


@pytest.fixture
def taken():
    """A port that another program has."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def ran(tmp_path, *argv, **env):
    """What a command said, and with which exit code, on a directory of its own."""
    done = manage(*argv, env=clean_environment(HIVE_DATA_DIR=str(tmp_path / "var"), **env))
    return done.returncode, done.stderr


@pytest.mark.processes
class TestProvoked:
    """As an operator would meet it; what takes a running Hive is in tests/end_to_end."""

    def test_a_port_that_is_taken(self, tmp_path, taken):
        code, said = ran(tmp_path, "hive", "up", "--port", str(taken))

        assert code == 2
        assert f"cannot listen on 127.0.0.1:{taken}: Address already in use; give another" in said

    def test_no_redis_for_hive_up(self, tmp_path):
        address = "redis://127.0.0.1:1/0"

        code, said = ran(tmp_path, "hive", "up", "--port", "0", REDIS_URL=address)

        assert code == 1
        assert f"no Redis at {address}" in said
        assert "start it, or unset REDIS_URL for one of our own" in said

    def test_no_redis_for_a_spore(self, tmp_path):
        address, key = "redis://127.0.0.1:1/0", "ab" * 32

        code, said = ran(tmp_path, "rqworker", "--name", "a", REDIS_URL=address, HIVE_NODE_KEY=key)

        assert code == 1
        assert f"rqworker: no Redis at {address}" in said
        assert said.strip().endswith("set REDIS_URL")

    def test_a_spore_without_a_key(self, tmp_path):
        code, said = ran(tmp_path, "rqworker", "--name", "a", REDIS_URL="redis://127.0.0.1:1/0")

        assert code == 2
        assert "no key for node 'a': set HIVE_NODE_KEY" in said

    def test_a_database_without_tables(self, tmp_path):
        code, said = ran(tmp_path, "hive", "key", "a")

        assert code == 1
        assert "database: no such table" in said

    def test_a_wrong_setting(self, tmp_path):
        code, said = ran(tmp_path, "hive", "status", HIVE_TASK_TIMEOUT="soon")

        assert code == 1
        assert "hive: HIVE_TASK_TIMEOUT='soon': give a whole number, 1 to" in said

    def test_a_hive_that_is_switched_off(self, tmp_path):
        code, said = ran(tmp_path, "hive", "up", "--port", "0", ENABLE_HIVE="false")

        assert code == 2
        assert "ENABLE_HIVE is false; set it to true to start the Hive" in said

    def test_a_python_without_django(self, tmp_path):
        script = [sys.executable, "-S", str(PROJECT / "manage.py"), "hive", "status"]

        done = subprocess.run(script, capture_output=True, text=True, cwd="/", check=False)

        assert done.returncode == 1
        assert "has no Django; `make up` makes an environment with it" in done.stderr


@pytest.mark.django_db
class TestRefused:
    """By the API."""

    def test_a_key_that_nobody_made(self, client):
        answer = client.get("/api/v1/jobs/", headers={"authorization": "Bearer hive_x"})

        assert answer.status_code == 401
        assert answer.json()["detail"] == "this API key is unknown, revoked or expired"

    def test_a_host_that_nobody_allowed(self, client, settings):
        settings.ALLOWED_HOSTS = ["hive.example"]

        answer = client.get("/api/v1/jobs/", headers={"host": "other.example"})

        assert answer.status_code == 400
        assert answer.json()["detail"].startswith("this request makes no sense here; is its Host")

    def test_an_origin_that_is_not_the_sites(self, django_user_model):
        from django.test import Client

        django_user_model.objects.create_superuser("ann", password="a b c d")
        browser = Client(enforce_csrf_checks=True)
        browser.login(username="ann", password="a b c d")

        answer = browser.post(
            "/api/v1/jobs/", {}, content_type="application/json", headers={"origin": "https://x.y"}
        )

        assert answer.status_code == 403
        assert "Origin checking failed" in answer.json()["detail"]
