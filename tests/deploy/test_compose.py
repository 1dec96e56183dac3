"""docker-compose.yml: understood by Docker Compose itself, and as locked up as it says."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

from hive_site.commands.healthy import PARTS
from hive_site.configuration import PROJECT
from nodes.spore.leaving import STOP_PATIENCE_SECONDS
from tests.deploy.places import COMPOSE, OURS, SERVICES, VARIABLE, is_read

LONG_RUNNING = sorted(set(SERVICES) - {"migrate"})
GUIDE = PROJECT / "docs" / "guide" / "containers.md"


def every(service: dict, key: str) -> list[str]:
    return [each if isinstance(each, str) else each["source"] for each in service.get(key, [])]


def test_the_schema_of_compose_files_holds():
    brought = pytest.importorskip("check_jsonschema", reason="it brings the schema")
    [path] = Path(brought.__file__).parent.rglob("compose-spec.json")
    schema = json.loads(path.read_text())

    jsonschema.validators.validator_for(schema)(schema).validate(COMPOSE)


@pytest.fixture(scope="module")
def resolved(tmp_path_factory):
    """The file as Docker Compose itself reads it."""
    program = shutil.which("docker-compose")
    if not program:
        pytest.skip("no docker-compose here")
    asked = subprocess.run(
        [program, "--file", str(PROJECT / "docker-compose.yml"), "config", "--format", "json"],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path_factory.mktemp("home"))},
    )
    assert asked.returncode == 0, asked.stderr
    assert asked.stderr == ""
    return json.loads(asked.stdout)


def test_docker_compose_reads_it_and_has_no_complaint(resolved):
    assert set(resolved["services"]) == set(SERVICES)
    assert resolved["services"]["spore"]["deploy"]["replicas"] == 2
    assert resolved["services"]["foreman"]["deploy"]["replicas"] == 2
    assert resolved["networks"]["data"]["internal"] is True


def test_what_runs_is_no_root_and_can_write_nowhere_but_where_it_must():
    for name, service in SERVICES.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert "privileged" not in service, name
        assert name in OURS or service["user"] not in {"root", "0"}, name
        assert any(each.startswith("/tmp") for each in service["tmpfs"]), name


def test_nothing_of_the_machine_is_mounted():
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            source, _, target = volume.rpartition(":")
            assert target.startswith("/")
            assert source in {"", *COMPOSE["volumes"]}


@pytest.mark.parametrize("name", LONG_RUNNING)
def test_what_runs_on_is_looked_after(name):
    service = SERVICES[name]

    assert service["healthcheck"]["test"]
    assert service["restart"] == "unless-stopped"
    assert service["logging"]["options"] == {"max-size": "10m", "max-file": "5"}
    assert {"memory", "pids"} <= set(service["deploy"]["resources"]["limits"])


def test_health_is_asked_for_with_a_command_there_is():
    for name in ("nexus", "foreman", "spore"):
        head, part = (
            SERVICES[name]["healthcheck"]["test"][:5],
            SERVICES[name]["healthcheck"]["test"],
        )

        assert head == ["CMD", "python", "manage.py", "hive", "healthy"]
        assert part[5] == name
        assert name in PARTS


def test_a_spore_is_given_longer_than_it_needs_to_leave():
    grace = int(SERVICES["spore"]["stop_grace_period"].removesuffix("s"))

    assert grace >= 2 * STOP_PATIENCE_SECONDS


def test_images_are_pinned_by_version():
    for name, service in SERVICES.items():
        if name not in OURS:
            assert re.fullmatch(r"\w+:\d+\.\d+(\.\d+)?-alpine", service["image"])


def test_spores_reach_neither_the_database_nor_a_secret_of_the_nexus():
    spore = SERVICES["spore"]

    assert set(every(spore, "secrets")) == {"pool_key"}
    assert not set(spore["networks"]) & set(SERVICES["postgres"]["networks"])
    assert COMPOSE["networks"]["data"] == COMPOSE["networks"]["work"] == {"internal": True}
    assert not any("SECRET_KEY" in each or "DATABASE" in each for each in spore["environment"])


def test_only_the_site_is_reached_from_outside_and_from_this_machine_alone():
    published = {name: each["ports"] for name, each in SERVICES.items() if "ports" in each}

    assert published == {"nexus": ["${HIVE_BIND:-127.0.0.1}:${HIVE_PORT:-8000}:8000"]}


def test_there_may_be_any_number_of_spores():
    spore = SERVICES["spore"]

    assert "container_name" not in spore
    assert "ports" not in spore
    assert "--name" not in spore["command"]
    assert spore["volumes"] == ["/var/lib/hive"]  # one for each, as it has no name


def test_secrets_are_files_that_make_secrets_makes(tmp_path):
    made = subprocess.run(
        [
            sys.executable,
            str(PROJECT / "deploy/make_secrets.py"),
            "--out",
            str(tmp_path / "secrets"),
        ],
        check=False,
        capture_output=True,
        text=True,
    )

    files = {each["file"].removeprefix("deploy/") for each in COMPOSE["secrets"].values()}
    assert made.returncode == 0, made.stderr
    assert all((tmp_path / file).read_text() for file in files)
    used = {name for service in SERVICES.values() for name in every(service, "secrets")}
    assert used == set(COMPOSE["secrets"])


def test_secrets_of_a_service_are_those_it_reads():
    for name, service in SERVICES.items():
        read = {
            value.removeprefix("/run/secrets/")
            for value in service.get("environment", {}).values()
            if str(value).startswith("/run/secrets/")
        }
        spoken = set(re.findall(r"/run/secrets/(\w+)", yaml.safe_dump(service)))

        assert read | spoken == set(every(service, "secrets")), name


def test_every_variable_of_ours_is_read_by_the_hive():
    unread = [
        f"{variable} of {name}"
        for name, service in OURS.items()
        for variable in service["environment"]
        if not is_read(variable) and variable != "TMPDIR"
    ]

    assert unread == []


def test_every_value_that_one_may_set_is_documented():
    text = (PROJECT / "docker-compose.yml").read_text()
    documented = set(re.findall(r"`(HIVE_\w+)`", GUIDE.read_text()))

    assert {found[1] for found in VARIABLE.finditer(text)} <= documented
