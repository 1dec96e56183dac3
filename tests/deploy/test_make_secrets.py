"""The secrets of a deployment: each made once, and only what each part needs."""

import runpy
import stat

import pytest

from hive_site.configuration import PROJECT
from hive_site.kernel.envelope import node_key
from nodes.spore.pools import read_pool

make_secrets = runpy.run_path(str(PROJECT / "deploy/make_secrets.py"))["make_secrets"]


def test_what_is_there_is_kept(tmp_path):
    make_secrets(tmp_path)
    before = {path: path.read_text() for path in tmp_path.rglob("*") if path.is_file()}

    make_secrets(tmp_path)

    assert {path: path.read_text() for path in before} == before


def test_the_key_of_a_pool_is_one_that_its_spores_derive_theirs_from(tmp_path):
    make_secrets(tmp_path, pools=["gpu"])

    pool = read_pool((tmp_path / "pool_keys" / "gpu").read_text())
    fleet_key = (tmp_path / "fleet_key").read_text()
    assert pool.key_of("gpu--7f3a") == node_key(fleet_key, "gpu--7f3a")


def test_the_key_of_a_node_is_its_own(tmp_path):
    make_secrets(tmp_path, nodes=["box"])

    fleet_key = (tmp_path / "fleet_key").read_text()
    assert (tmp_path / "node_keys" / "box").read_text() == node_key(fleet_key, "box").hex()


@pytest.mark.parametrize(("owner_only", "mode"), [(True, 0o600), (False, 0o644)])
def test_nobody_else_reads_them(tmp_path, owner_only, mode):
    folder = tmp_path / "secrets"

    files = make_secrets(folder, owner_only=owner_only)

    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {mode}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_the_database_is_reached_where_it_is(tmp_path):
    make_secrets(tmp_path, database="db.example")

    url = (tmp_path / "database_url").read_text()
    password = (tmp_path / "database_password").read_text()
    assert url == f"postgres://hive:{password}@db.example:5432/hive"
