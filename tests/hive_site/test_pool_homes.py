"""A Hive that stops leaves no Spore of a pool behind, also where no Foreman is left to end them."""

import subprocess
import sys

from hive_site.pool_homes import end_pools
from nodes.autoscaling.providers.process import find_spores
from tests.nodes.cast import wait_until

STAND_IN = "import time; time.sleep(60)"


def test_spores_whose_foreman_was_killed_are_ended_pool_by_pool(tmp_path):
    homes = [tmp_path / pool / f"{pool}-1" for pool in ("cpu", "gpu")]
    spores = []
    for home in homes:
        home.mkdir(parents=True)
        argv = [sys.executable, "-c", STAND_IN, "rqworker", "--home", str(home)]
        spores.append(subprocess.Popen(argv))
    wait_until(lambda: all(find_spores(home.parent) for home in homes))

    end_pools(tmp_path)

    assert all(spore.wait(10) is not None for spore in spores)
    assert all(find_spores(home.parent) == {} for home in homes)


def test_without_pools_nothing_is_looked_for(tmp_path):
    end_pools(tmp_path / "none")
