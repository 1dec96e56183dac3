"""How pools are built of the settings, and what their Spores are started with."""

from dataclasses import replace
from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from hive_site.kernel.env import Env
from hive_site.pool_text import read_pool_text
from hive_site.pools import build_autoscaler, name_node, process_recipe, without_secrets
from nodes.autoscaling.configuration import read_pools
from nodes.domain.names import NODE_NAME
from tests.nodes.autoscaling.cast import Work

CPU = '[pools.cpu]\nprovider = "process"\nmax = 2\nslots = 3\nlabels = {site = "lab"}\n'


def configure(monkeypatch, text: str) -> None:
    monkeypatch.setattr(settings, "HIVE", replace(settings.HIVE, autoscale=text))


def test_without_pools_there_is_no_autoscaler(monkeypatch):
    configure(monkeypatch, "")

    assert build_autoscaler(Work()) is None


def test_pools_are_those_of_the_settings(monkeypatch):
    configure(monkeypatch, CPU)

    assert list(build_autoscaler(Work()).snapshot()["pools"]) == ["cpu"]


def test_a_file_of_pools_is_checked_where_all_settings_are_read(tmp_path):
    path = tmp_path / "pools.toml"
    path.write_text(CPU)
    right = read_pool_text(Env({"HIVE_AUTOSCALE_FILE": str(path)}))
    path.write_text(CPU + "min = 9")

    with pytest.raises(ImproperlyConfigured, match=r"HIVE_AUTOSCALE: pools\.cpu\.min = 9: give"):
        read_pool_text(Env({"HIVE_AUTOSCALE_FILE": str(path)}))

    assert right == CPU.strip()


def test_what_is_wrong_with_them_stops_the_start_with_the_setting_s_name(monkeypatch):
    configure(monkeypatch, CPU + "min = 9")

    with pytest.raises(ImproperlyConfigured, match=r"HIVE_AUTOSCALE: pools\.cpu\.min = 9: give"):
        build_autoscaler(Work())


def test_a_spore_of_a_pool_is_a_managed_one_with_its_labels():
    [pool] = read_pools(CPU)

    start = process_recipe(pool, {"PATH": "/bin"})("cpu-1", Path("/data/cpu-1"))

    assert list(start.argv)[2:] == [
        *("rqworker", "--name", "cpu-1", "--slots", "3", "--label", "site=lab"),
        *("--label", "pool=cpu", "--home", "/data/cpu-1"),
    ]
    assert start.env["REDIS_URL"] == settings.HIVE.redis_url
    assert start.env["HIVE_DATA_DIR"] == "/data/cpu-1"
    assert "DATABASE_URL" not in start.env


def test_nothing_that_is_the_nexus_s_reaches_spores_or_programs():
    secret = (
        *("SECRET_KEY", "HIVE_FLEET_KEY", "DATABASE_URL", "REDIS_PASSWORD", "REDIS_URL"),
        *("HIVE_WEBHOOK_SECRET", "HIVE_AUTOSCALE", "HIVE_JOIN_REDIS_URL", "HIVE_API_KEY"),
        *("HIVE_NODE_KEY", "HIVE_POOL_KEY"),
    )
    env = {name: "x" for name in secret} | {f"{name}_FILE": "x" for name in secret}

    assert without_secrets({**env, "PATH": "/bin"}) == {"PATH": "/bin"}


def test_names_are_those_of_nodes_and_never_the_same():
    names = {name_node("a" * 30) for _ in range(100)}

    assert len(names) == 100
    assert all(NODE_NAME.fullmatch(name) for name in names)
