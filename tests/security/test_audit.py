"""`make audit`, with tools that say what tests have them say."""

import os
import subprocess
import sys

import pytest

from hive_site.configuration import PROJECT

CLEAN = "echo No issues identified."
AWAY = "echo 'ConnectionError: Failed to establish a new connection' >&2; exit 1"
FOUND = "echo 'Found 1 known vulnerability in 1 package' >&2; exit 1"
BROKEN = "echo 'requirements.lock is no such file' >&2; exit 1"


@pytest.fixture
def audit(tmp_path):
    """Runs it; its answer."""

    def run(**scripts: str) -> subprocess.CompletedProcess[str]:
        usual = {"bandit": CLEAN, "pip-audit": CLEAN, "python": CLEAN}
        for name, body in (usual | scripts).items():
            path = tmp_path / name
            path.write_text(f"#!/bin/sh\n{body}\n")
            path.chmod(0o755)
        env = os.environ | {"AUDIT_BIN": str(tmp_path)}
        argv = [str(PROJECT / ".ci/audit")]
        return subprocess.run(argv, env=env, capture_output=True, text=True, check=False)

    return run


def test_where_nothing_is_found_it_is_content(audit):
    assert audit().returncode == 0


@pytest.mark.parametrize("tool", ["bandit", "pip-audit", "python"])
def test_whatever_a_tool_finds_fails_it(audit, tool):
    assert audit(**{tool: FOUND}).returncode == 1


def test_a_list_that_cannot_be_reached_is_skipped_with_a_word(audit):
    ran = audit(**{"pip-audit": AWAY})

    assert (ran.returncode, "skipped: no list" in ran.stdout) == (0, True)


def test_a_tool_that_breaks_is_not_taken_for_a_list_that_is_away(audit):
    ran = audit(**{"pip-audit": BROKEN})

    assert (ran.returncode, "skipped" in ran.stdout) == (1, False)


def test_what_is_dangerous_is_found_in_our_code(tmp_path):
    """Bandit as it is called, on something that nobody should write."""
    bandit = pytest.importorskip("bandit")
    (tmp_path / "bad.py").write_text("import pickle\npickle.loads(b'')\n")
    argv = [sys.executable, "-m", bandit.__name__, "--quiet", "--severity-level", "medium"]

    ran = subprocess.run(
        [*argv, "--recursive", str(tmp_path)], capture_output=True, text=True, check=False
    )

    assert (ran.returncode, "B301" in ran.stdout) == (1, True)
