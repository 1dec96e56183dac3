"""`hive stack`, with a program on the PATH that stands for Docker."""

import json
import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hive_site.configuration import PROJECT

STAND_IN = Path(__file__).with_name("docker.py")
LINK = "http://localhost:8000/login/once/?key=abc"
WELL = [
    {"Name": "hive-nexus-1", "Service": "nexus", "State": "running", "Health": "healthy"},
    {"Name": "hive-spore-1", "Service": "spore", "State": "running", "Health": "healthy"},
    {"Name": "hive-migrate-1", "Service": "migrate", "State": "exited", "ExitCode": 0},
]
ILL = [{**WELL[0], "Health": "starting"}, *WELL[1:]]


class Desk:
    """A machine with these programs, and a copy of what `hive stack` writes to."""

    def __init__(self, place: Path) -> None:
        self.place, self.bin = place, place / "bin"
        self.bin.mkdir()
        self.project = place / "project"
        self.answer(link=LINK, ps=[WELL])

    def install(self, *programs: str) -> "Desk":
        for name in programs:
            path = self.bin / name
            path.write_text(f"#!{sys.executable}\n" + STAND_IN.read_text().partition("\n")[2])
            path.chmod(0o755)
        return self

    def answer(self, **told) -> None:
        (self.place / "answers.json").write_text(json.dumps(told))

    def run(self, *words: str, stdin=subprocess.DEVNULL) -> subprocess.CompletedProcess[str]:
        env = {"PATH": str(self.bin), "FAKE_DOCKER": str(self.place), "HIVE_DATA_DIR": "var"}
        return subprocess.run(
            [sys.executable, str(self.project / "manage.py"), "hive", "stack", *words],
            env=env,
            cwd=self.place,
            stdin=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    @property
    def calls(self) -> list[list[str]]:
        """What Docker was told, without the name of the file."""
        lines = (self.place / "calls").read_text().splitlines()
        return [[w for w in json.loads(line) if not w.endswith(".yml")] for line in lines]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of the project: secrets are made beside docker-compose.yml."""
    place = tmp_path_factory.mktemp("copy") / "project"
    for name in ("hive_site", "nodes", "jobs", "ota", "templates", "deploy"):
        left = shutil.ignore_patterns("__pycache__", "static", "secrets")
        shutil.copytree(PROJECT / name, place / name, ignore=left)
    for name in ("manage.py", "docker-compose.yml", "pyproject.toml", "requirements.txt"):
        shutil.copy(PROJECT / name, place / name)
    return place


@pytest.fixture
def desk(tmp_path, project):
    desk = Desk(tmp_path)
    desk.project = project
    return desk


def test_up_makes_secrets_builds_waits_and_says_how_to_get_in(desk):
    secrets = desk.project / "deploy" / "secrets"
    shutil.rmtree(secrets, ignore_errors=True)

    ran = desk.install("docker").run("up", "--scale", "spore=5")

    assert ran.returncode == 0, ran.stderr
    assert (secrets / "pool_keys" / "spore").exists()
    assert f"Log in   {LINK}" in ran.stdout
    assert "hive stack down stops it" in ran.stdout
    assert "made secrets in deploy/secrets" in ran.stderr
    [up] = [call for call in desk.calls if "--detach" in call]
    assert up[2:6] == ["up", "--detach", "--build", "--force-recreate"]
    assert up[6:] == ["--wait", "--wait-timeout", "300", "--scale", "spore=5"]


def test_what_is_there_is_left_alone_and_what_is_not_is_made_anew(desk):
    secrets = desk.project / "deploy" / "secrets"
    desk.install("docker").run("up")
    kept = (secrets / "secret_key").read_text()
    old = (secrets / "pool_keys" / "spore").read_text()
    before = [call for call in desk.calls if "--detach" in call]
    (secrets / "fleet_key").unlink()
    shutil.rmtree(secrets / "pool_keys")

    desk.run("up")
    desk.run("up")

    again, once_more = [call for call in desk.calls if "--detach" in call][len(before) :]
    assert ("--force-recreate" in again, "--force-recreate" in once_more) == (True, False)
    assert (secrets / "secret_key").read_text() == kept
    assert (secrets / "pool_keys" / "spore").read_text() != old


def test_up_as_json_prints_one_document(desk):
    ran = desk.install("docker").run("up", "--no-build", "--json")

    told = json.loads(ran.stdout)
    assert told["login_url"] == LINK
    assert {each["service"] for each in told["containers"]} == {"nexus", "spore", "migrate"}
    assert "--build" not in [word for call in desk.calls for word in call]
    assert "hive-nexus-1  Started" in ran.stderr


def test_a_link_leads_to_the_port_that_this_machine_has(desk):
    desk.answer(link=LINK, ps=[WELL], port="0.0.0.0:9000")

    ran = desk.install("docker").run("up", "--json")

    assert json.loads(ran.stdout)["login_url"] == LINK.replace("8000", "9000")


def test_a_link_to_a_name_of_its_own_stays(desk):
    desk.answer(link="https://hive.example/login/x", ps=[WELL], port="127.0.0.1:9000")

    ran = desk.install("docker").run("up", "--json")

    assert json.loads(ran.stdout)["login_url"] == "https://hive.example/login/x"


def test_what_cannot_wait_is_waited_for(desk):
    desk.answer(link=LINK, ps=[ILL, WELL], waits=False)

    ran = desk.install("docker-compose").run("up", "--json")

    assert ran.returncode == 0, ran.stderr
    assert ["--file", "up", "--detach", "--build"] in desk.calls
    assert len([call for call in desk.calls if "json" in call]) == 2


def test_what_does_not_get_well_is_told_by_name(desk):
    desk.answer(link=LINK, ps=[ILL], waits=False)

    ran = desk.install("podman-compose").run("up", "--wait", "0")

    assert ran.returncode == 1
    said = ran.stderr.splitlines()[-1]
    assert said == ("hive stack: not well after 0 s: hive-nexus-1; `podman-compose logs` says why")


def test_docker_with_its_plugin_comes_first(desk):
    desk.install("podman-compose", "docker", "docker-compose").run("status")

    assert desk.calls[0] == ["compose", "version"]
    assert all(call[0] == "compose" for call in desk.calls)


def test_docker_without_its_plugin_is_passed_over(desk):
    desk.answer(plugin=False, ps=[WELL])

    ran = desk.install("docker").run("status")

    assert ran.returncode == 1
    assert "install Docker with its compose plugin" in ran.stderr
    assert "`hive up`" in ran.stderr


def test_where_there_is_nothing_the_way_out_is_told_in_a_line(desk):
    ran = desk.run("up")

    assert (ran.returncode, ran.stdout) == (1, "")
    [line] = ran.stderr.splitlines()
    assert line.startswith("hive stack: neither docker compose nor podman-compose is here")


def test_an_engine_that_is_away_is_told_with_what_docker_says(desk):
    desk.answer(engine=False)

    ran = desk.install("docker").run("up")

    [line] = ran.stderr.splitlines()
    assert ran.returncode == 1
    assert "docker compose reaches no engine: Cannot connect to the Docker daemon" in line
    assert "systemctl start docker" in line


def test_a_start_that_fails_says_where_to_look(desk):
    desk.answer(up=17, ps=[WELL])

    ran = desk.install("docker").run("up")

    assert ran.returncode == 1
    assert "`hive stack status` and `docker compose logs` tell which and why" in ran.stderr


def test_status_is_a_table_and_its_exit_code_the_verdict(desk):
    well = desk.install("docker").run("status")
    desk.answer(ps=[ILL])
    ill = desk.run("status", "--json")
    desk.answer(ps=[[]])
    nothing = desk.run("status")

    assert (well.returncode, ill.returncode, nothing.returncode) == (0, 1, 1)
    assert "hive-spore-1" in well.stdout
    assert "exited with 0" in well.stdout
    assert json.loads(ill.stdout)["well"] is False
    assert nothing.stdout == "Nothing runs. `hive stack up` starts it.\n"


def test_down_keeps_what_it_holds(desk):
    ran = desk.install("docker").run("down")

    assert ran.returncode == 0
    assert desk.calls[-1] == ["compose", "--file", "down", "--remove-orphans"]
    assert "its data stays" in ran.stderr


def test_data_is_deleted_by_whoever_says_yes(desk):
    ran = desk.install("docker").run("down", "--volumes", "--yes", "--json")

    assert json.loads(ran.stdout) == {"stopped": True, "volumes_deleted": True}
    assert desk.calls[-1] == ["compose", "--file", "down", "--remove-orphans", "--volumes"]


def test_a_program_that_says_no_yes_deletes_nothing(desk):
    ran = desk.install("docker").run("down", "--volumes")

    assert ran.returncode == 2
    assert "say --yes as well" in ran.stderr
    assert not (desk.place / "calls").exists()


@pytest.mark.parametrize(("typed", "deleted"), [(b"yes\n", True), (b"y\n", False), (b"\n", False)])
def test_a_person_is_asked_before_anything_is_deleted(desk, typed, deleted):
    keyboard, terminal = pty.openpty()
    os.write(keyboard, typed)

    ran = desk.install("docker").run("down", "--volumes", stdin=terminal)

    os.close(keyboard)
    os.close(terminal)
    assert "the database with all jobs" in ran.stderr
    assert ran.returncode == (0 if deleted else 1)
    assert (desk.place / "calls").exists() is deleted


@pytest.mark.parametrize("scale", ["spore", "spore=x", "nexus=2", "spore=-1", "spore=1001"])
def test_a_wrong_scale_is_told_with_the_rule(desk, scale):
    ran = desk.run("up", "--scale", scale)

    assert ran.returncode == 2
    assert "give spore=N or foreman=N, N from 0 to 1000" in ran.stderr
