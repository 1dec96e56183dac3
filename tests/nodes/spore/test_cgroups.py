"""Limits of containers and units, as the kernel writes them down."""

from types import SimpleNamespace

import psutil
import pytest

from nodes.spore.cgroups import Allowance, ControlGroups, find_groups
from nodes.spore.sensors import HostSensors

MIB = 2**20
HOST = SimpleNamespace(percent=50.0, available=4096 * MIB, total=8192 * MIB)


class Kernel:
    """The files of control groups under a directory, and a clock."""

    def __init__(self, root):
        self.root, self.own, self.now = root / "cgroup", root / "own", 100.0
        self.root.mkdir()
        (self.root / "cgroup.controllers").write_text("cpu memory\n")
        self.be_in("/")

    def be_in(self, path):
        self.own.write_text(f"0::{path}\n")

    def write(self, path="", **files):
        group = self.root / path
        group.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (group / name.replace("_", ".", 1)).write_text(f"{text}\n")

    def limit_memory(self, path="", *, limit, held, idle=0):
        stat = f"anon 0\ninactive_file {idle * MIB}\nslab 1"
        self.write(path, memory_max=limit, memory_current=held * MIB, memory_stat=stat)

    def limit_cpu(self, path="", *, limit, used=0.0):
        self.write(path, cpu_max=limit, cpu_stat=f"usage_usec {int(used * 1e6)}\nuser_usec 7")

    def groups(self):
        return ControlGroups(self.root, self.own, clock=lambda: self.now)


@pytest.fixture
def kernel(tmp_path):
    return Kernel(tmp_path)


def test_a_machine_without_control_groups_limits_nobody(tmp_path):
    groups = ControlGroups(tmp_path / "nothing", tmp_path / "own")

    assert (groups.memory(), groups.cpu()) == (None, None)


def test_the_older_control_groups_tell_nothing(kernel):
    kernel.own.write_text("4:memory:/docker/1\n0::/\n")
    (kernel.root / "cgroup.controllers").unlink()
    kernel.limit_memory(limit=2048 * MIB, held=1)

    assert kernel.groups().memory() is None


def test_what_a_container_keeps_of_idle_files_is_free(kernel):
    kernel.limit_memory(limit=2048 * MIB, held=1500, idle=500)

    assert kernel.groups().memory() == Allowance(2048 * MIB, 1048 * MIB)


def test_a_container_that_holds_more_than_it_may_has_nothing_left(kernel):
    kernel.limit_memory(limit=100 * MIB, held=120)

    assert kernel.groups().memory() == Allowance(100 * MIB, 0)


def test_of_groups_around_each_other_the_tightest_counts(kernel):
    kernel.be_in("/hive.slice/spore.service")
    kernel.limit_memory("hive.slice", limit=1000 * MIB, held=900)
    kernel.limit_memory("hive.slice/spore.service", limit=500 * MIB, held=100)

    assert kernel.groups().memory() == Allowance(500 * MIB, 100 * MIB)


@pytest.mark.parametrize("path", ["/docker/4f", "/../../elsewhere"])
def test_a_container_that_is_told_its_host_s_path_is_in_the_group_it_sees(kernel, path):
    kernel.be_in(path)

    assert find_groups(kernel.root, kernel.own) == [kernel.root]


def test_cores_are_used_by_their_share_since_the_last_look(kernel):
    kernel.limit_cpu(limit="200000 100000", used=10)
    groups = kernel.groups()

    kernel.now += 5
    kernel.limit_cpu(limit="200000 100000", used=15)
    half = groups.cpu()
    kernel.now += 1
    kernel.limit_cpu(limit="200000 100000", used=20)

    assert half == pytest.approx(0.5)
    assert groups.cpu() == 1.0  # a burst above the quota is not more than all of it


def test_two_looks_at_once_say_nothing_of_cores(kernel):
    kernel.limit_cpu(limit="100000 100000", used=1)

    assert kernel.groups().cpu() is None


@pytest.mark.parametrize("text", ["max 100000", "", "nonsense", "1 0", "1 2 3"])
def test_what_is_no_limit_of_cores_is_none(kernel, text):
    kernel.limit_cpu(limit=text)
    groups = kernel.groups()
    kernel.now += 1

    assert groups.cpu() is None


@pytest.mark.parametrize("files", [{"memory_max": "max"}, {"memory_max": "soon"}, {}])
def test_what_is_no_limit_of_memory_is_none(kernel, files):
    kernel.write(**files)

    assert kernel.groups().memory() is None


def test_a_group_that_is_gone_stops_nothing(kernel):
    kernel.limit_memory(limit=2048 * MIB, held=1)
    kernel.limit_cpu(limit="100000 100000")
    groups = kernel.groups()
    for name in ("memory.current", "cpu.stat"):
        (kernel.root / name).unlink()
    kernel.now += 1

    assert (groups.memory(), groups.cpu()) == (None, None)


@pytest.fixture
def host(monkeypatch):
    monkeypatch.setattr(psutil, "virtual_memory", lambda: HOST)
    monkeypatch.setattr(psutil, "cpu_percent", lambda interval: 25.0)


def memory_of(read):
    return read["memory"], read["free_memory_mb"], read["total_memory_mb"]


def test_a_node_in_a_container_is_as_large_as_its_container(kernel, host):
    kernel.limit_memory(limit=2048 * MIB, held=512)
    kernel.limit_cpu(limit="100000 100000")
    sensors = HostSensors(kernel.groups())
    kernel.now += 2
    kernel.limit_cpu(limit="100000 100000", used=1.5)

    read = sensors.read([])

    assert memory_of(read) == (0.25, 1536, 2048)
    assert read["cpu"] == pytest.approx(0.75)


def test_what_others_took_of_the_host_is_not_there_for_a_container(kernel, host):
    kernel.limit_memory(limit=6144 * MIB, held=512)
    kernel.limit_cpu(limit="100000 100000")
    sensors = HostSensors(kernel.groups())
    kernel.now += 2

    read = sensors.read([])

    assert memory_of(read) == (pytest.approx(1 / 3), 4096, 6144)
    assert read["cpu"] == 0.25


def test_a_limit_above_what_the_machine_has_is_none(kernel, host):
    kernel.limit_memory(limit=2**62, held=512)

    assert memory_of(HostSensors(kernel.groups()).read([])) == (0.5, 4096, 8192)
