import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from hive_site.commands.healthy import STALE_SECONDS, judge, main
from hive_site.configuration import PROJECT
from hive_site.kernel.pulse import Pulse, Sign
from hive_site.stack.redis_server import free_port

LEADS, WAITS = Sign("leads", True, 100.0), Sign("waits for Redis", False, 100.0)


@pytest.mark.parametrize(
    ("sign", "now", "lives", "is_ready"),
    [
        (LEADS, 100.4, True, True),
        (LEADS, 100.0 + STALE_SECONDS, True, True),
        (LEADS, 100.1 + STALE_SECONDS, False, False),
        (WAITS, 101.0, True, False),
        (None, 101.0, False, False),
        (LEADS, 3.0, False, False),  # left by an earlier boot of the machine
    ],
)
def test_who_gives_signs_lives_and_who_works_is_ready(sign, now, lives, is_ready):
    assert judge(sign, now, strict=False)[0] is lives
    assert judge(sign, now, strict=True)[0] is is_ready


def test_it_says_what_the_part_is_about():
    assert judge(LEADS, 100.4, strict=False)[1] == "leads (0.4 s ago)"
    assert judge(LEADS, 190.0, strict=False)[1].endswith("for 90 s; it leads then")


def test_the_sign_in_the_file_counts(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HIVE_PULSE", str(tmp_path / "pulse"))
    before = main(["foreman"])
    Pulse(tmp_path / "pulse").beat("stands by")

    after = main(["foreman"])

    said = capsys.readouterr()
    assert (before, after) == (1, 0)
    assert said.err == "the Foreman has given no sign of life yet\n"
    assert said.out.startswith("the Foreman stands by (0.")


def test_as_json_it_is_one_document(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HIVE_PULSE", str(tmp_path / "pulse"))
    Pulse(tmp_path / "pulse").beat("is cut off from Redis", works=False)

    code = main(["spore", "--ready", "--json"])

    told = json.loads(capsys.readouterr().out)
    assert (code, told["part"], told["healthy"]) == (1, "spore", False)


def test_without_a_file_it_says_what_to_set(monkeypatch, capsys):
    monkeypatch.delenv("HIVE_PULSE", raising=False)

    assert main(["foreman"]) == 2
    assert "HIVE_PULSE names no file; set it" in capsys.readouterr().err


@pytest.mark.parametrize("argv", [[], ["queen"], ["nexus", "--port", "x"]])
def test_wrong_use_is_told_in_one_line(argv, capsys):
    with pytest.raises(SystemExit) as exit_:
        main(argv)

    assert exit_.value.code == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


class Site(BaseHTTPRequestHandler):
    """Lives, and cannot serve."""

    def do_GET(self):
        self.send_response(200 if self.path == "/livez" else 503)
        self.end_headers()

    def log_message(self, *_):
        pass


def test_a_nexus_is_asked_over_http(capsys):
    server = HTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    port = str(server.server_port)

    codes = main(["nexus", "--port", port]), main(["nexus", "--ready", "--port", port])

    server.shutdown()
    server.server_close()
    said = capsys.readouterr()
    assert codes == (0, 1)
    assert (said.out, said.err) == (
        "the Nexus answers /livez with 200\n",
        "the Nexus answers /readyz with 503\n",
    )


def test_a_nexus_that_is_away_is_not_healthy(capsys):
    assert main(["nexus", "--port", str(free_port())]) == 1
    assert "does not answer on port" in capsys.readouterr().err


def test_as_a_command_it_needs_no_settings_and_loads_no_django(tmp_path):
    Pulse(tmp_path / "pulse").beat("leads")
    env = {"PATH": os.environ["PATH"], "HIVE_PULSE": str(tmp_path / "pulse")}
    argv = [sys.executable, "-X", "importtime", str(PROJECT / "manage.py"), "hive", "healthy"]

    ran = subprocess.run(
        [*argv, "foreman"], env=env, cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert (ran.returncode, ran.stdout[:17]) == (0, "the Foreman leads"), ran.stderr
    loaded = {line.rpartition("|")[2].strip() for line in ran.stderr.splitlines()}
    assert not loaded & {"django.conf", "django.apps", "django.db", "redis", "structlog"}
    assert [path.name for path in tmp_path.iterdir()] == ["pulse"]  # nor a data directory
