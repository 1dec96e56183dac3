"""What docker-compose.yml starts works together, is seen to be healthy, and stops in order."""

import json
import signal
from pathlib import Path

import pytest

from hive_site.kernel.redis import connect
from tests.end_to_end.colony import until
from tests.end_to_end.composed import Composed

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def services(tmp_path_factory):
    """Redis, a migrated database, a Nexus, two Foremen and two Spores, all healthy."""
    services = Composed(tmp_path_factory.mktemp("composed"))
    try:
        services.start("redis")
        migrated = services.run("migrate")
        assert migrated.returncode == 0, migrated.stderr
        until(lambda: services.is_healthy("redis"), what="a healthy Redis")
        services.start("nexus")
        services.start("foreman-1")
        services.start("foreman-2")
        services.start("spore-1")
        # In a container the host's name tells them apart.
        services.start("spore-2", "--name", "spore--two")
        for name in list(services.running):
            until(lambda name=name: services.is_healthy(name), what=f"a healthy {name}")
        yield services
    finally:
        services.end()


def is_ready(services, name):
    return services.ask_health(name, "--ready").returncode == 0


def nodes(services):
    told = services.run("nexus", "python", "manage.py", "hive", "status", "--json")
    return json.loads(told.stdout)["nodes"]


def test_every_part_is_healthy_and_ready(services):
    for name in ("nexus", "foreman-1", "foreman-2", "spore-1", "spore-2"):
        until(lambda name=name: is_ready(services, name), what=f"a {name} that is ready")


def test_of_two_foremen_one_leads_and_one_stands_by(services):
    said = {services.ask_health(f"foreman-{n}").stdout.partition(" (")[0] for n in (1, 2)}

    assert said == {"the Foreman leads", "the Foreman stands by"}


def test_spores_are_nodes_of_their_pool(services):
    found = until(
        lambda: len(there := [n for n in nodes(services) if n["state"] == "online"]) == 2 and there,
        what="two nodes",
    )

    names = {node["name"] for node in found}
    assert "spore--two" in names
    assert all(name.startswith("spore--") for name in names)


def test_spores_come_into_redis_as_their_pool_and_do_not_know_its_password(services):
    password = (services.secrets / "redis_password").read_text().strip()
    redis = connect(f"redis://:{password}@127.0.0.1:{services.redis_port}/0")

    users = {client["user"] for client in redis.client_list()}

    assert users == {"default", "pool:spore"}
    assert password not in str([Path(path).read_text() for path in files_of(services, "spore-1")])


def files_of(services, name):
    """The files that the variables of a service name."""
    return [path for key, path in services.env(name).items() if key.endswith("_FILE")]


def test_work_is_done(services):
    submit = ("python", "manage.py", "hive", "submit", "demo.whoami", "--items", "-", "--json")

    ran = services.run("nexus", *submit, "--wait", "60", stdin=json.dumps([1] * 8))

    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["progress"]["succeeded"] == 8


def test_the_login_link_leads_to_the_machine_that_people_use(services):
    link = services.run("nexus", "python", "manage.py", "hive", "login-link")

    assert link.stdout.startswith(f"http://localhost:{services.nexus_port}/")


def test_everything_stops_in_order_and_in_time(services):
    ended = {
        name: services.stop(name)
        for name in ("spore-1", "spore-2", "foreman-1", "foreman-2", "nexus", "redis")
    }

    # uvicorn stops in order, then ends by the signal that it was sent
    wanted = {**dict.fromkeys(ended, 0), "nexus": -signal.SIGTERM}
    assert {name: code for name, (code, _) in ended.items()} == wanted
    assert max(seconds for _, seconds in ended.values()) < 10
