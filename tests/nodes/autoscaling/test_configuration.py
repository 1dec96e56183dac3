import pytest

from hive_site.kernel.errors import Invalid
from nodes.autoscaling.configuration import read_pools
from nodes.domain.scaling_pictures import Rules

SMALL = '[pools.cpu]\nprovider = "process"\nmax = 4\n'


def test_a_pool_needs_a_provider_and_a_maximum():
    [pool] = read_pools(SMALL)

    assert (pool.name, pool.provider, pool.cluster, pool.slots) == ("cpu", "process", "hive", 1)
    assert pool.rules == Rules(maximum=4)
    assert (pool.node_labels, pool.list_every) == ({"pool": "cpu"}, 1.0)


def test_everything_of_a_pool_can_be_said():
    [pool] = read_pools(
        """
        cluster = "lab"
        [pools.gpu]
        provider = "docker"
        min = 1
        max = 9
        slots = 2
        labels = {site = "lab"}
        capabilities = ["cuda"]
        gpus = 2
        gpu_memory_mb = 24000
        memory_mb = 64000
        target_wait_seconds = 30
        calm_seconds = 600
        cooldown_seconds = 60
        start_timeout_seconds = 120
        list_every_seconds = 5
        [pools.gpu.docker]
        image = "hive:1"
        environment = {REDIS_URL = "redis://nexus"}
        """
    )

    assert pool.rules == Rules(1, 9, 30, 600, 60, 120)
    assert pool.kind.gpu_memory_mb == (24000, 24000)
    assert pool.options["image"] == "hive:1"
    assert pool.options["network"] == ""
    assert pool.spore_flags("gpu-1") == [
        *("--name", "gpu-1", "--slots", "2", "--label", "site=lab", "--label", "pool=gpu"),
        *("--capability", "cuda"),
    ]


def test_pools_keep_their_order_which_decides_who_is_asked_first():
    pools = read_pools(SMALL + SMALL.replace("cpu", "b") + SMALL.replace("cpu", "a"))

    assert [pool.name for pool in pools] == ["cpu", "b", "a"]


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ("", "there is no pool; give at least one table [pools.NAME]"),
        ("pools", "this is not TOML"),
        ("pool = 1", "pool: there is no such setting; there is cluster, pools"),
        ('cluster = "The Lab"\n' + SMALL, "cluster = 'The Lab': give 1 to 30 lower-case"),
        ("[pools]\ncpu = 1", "pools.cpu = 1: give a table, [pools.cpu]"),
        (SMALL.replace("cpu", "a--b"), "pools.'a--b': give 1 to 30 lower-case letters"),
        (SMALL.replace("cpu", "CPU"), "pools.'CPU': give 1 to 30 lower-case letters"),
        ("[pools.cpu]\nmax = 1", "pools.cpu.provider is missing; give one of process, command"),
        (SMALL.replace("process", "azure"), "pools.cpu.provider = 'azure': give one of process"),
        ('[pools.cpu]\nprovider = "process"', "pools.cpu.max is missing; give a whole number"),
        (SMALL + "min = 5", "pools.cpu.min = 5: give at most max, which is 4"),
        (SMALL + "min = -1", "pools.cpu.min = -1: give a whole number, 0 to 10000"),
        (SMALL + "min = true", "pools.cpu.min = True: give a whole number"),
        (SMALL + "slots = 2.5", "pools.cpu.slots = 2.5: give a whole number, 1 to 256"),
        (SMALL + "calm_seconds = nan", "pools.cpu.calm_seconds = nan: give a number"),
        (SMALL + "minimum = 1", "pools.cpu.minimum: there is no such setting; there is provider"),
        (SMALL + "labels = {pool = 'x'}", "pools.cpu.labels.pool: it is the pool's name, always"),
        (SMALL + "labels = {a = 1}", "pools.cpu.labels = {'a': 1}: give a table of names"),
        (SMALL + "gpu_memory_mb = 1", "pools.cpu.gpu_memory_mb: give gpus, too"),
        (SMALL + '[pools.cpu.docker]\nimage = "x"', "pools.cpu.docker: its provider is process"),
        (SMALL.replace("process", "docker"), "pools.cpu.docker.image is missing"),
        (SMALL.replace("process", "kubernetes"), "pools.cpu.kubernetes: give either template"),
        (SMALL.replace("process", "command"), "pools.cpu.command.list is missing; give a list"),
    ],
)
def test_what_is_wrong_is_told_with_its_field_and_what_is_allowed(document, told):
    with pytest.raises(Invalid) as raised:
        read_pools(document)

    assert told in str(raised.value)
