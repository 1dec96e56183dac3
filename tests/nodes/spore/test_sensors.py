import json
import os
import platform
import signal
import subprocess
import sys
from types import SimpleNamespace

import psutil
import pynvml
import pytest

from nodes.domain.beats import read_beat
from nodes.domain.placement import Gpu
from nodes.spore import sensors
from nodes.spore.sensors import HostSensors, groups_rss_mb
from tests.nodes.cast import SAID

MIB = 2**20


class Nvml:
    """NVML on a machine with these cards, each its name and memory; None is one that broke."""

    def __init__(self, *cards: tuple[str | bytes, int, int] | None) -> None:
        self.cards = list(cards)

    def nvmlInit(self) -> None:
        pass

    def nvmlDeviceGetCount(self) -> int:
        return len(self.cards)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:
        return index

    def nvmlDeviceGetName(self, handle: int) -> str | bytes:
        return self._card(handle)[0]

    def nvmlDeviceGetUUID(self, handle: int) -> str | bytes:
        uuid = f"GPU-{handle}f35-04ab"
        return uuid.encode() if handle else uuid

    def nvmlDeviceGetMemoryInfo(self, handle: int) -> SimpleNamespace:
        _, total, free = self._card(handle)
        return SimpleNamespace(total=total * MIB, free=free * MIB)

    def _card(self, handle: int) -> tuple[str | bytes, int, int]:
        card = self.cards[handle]
        if card is None:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_GPU_IS_LOST)
        return card


@pytest.fixture
def machine(monkeypatch):
    """A host with these cards."""

    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(sensors, "has_driver", lambda: True)

    def build(*cards) -> Nvml:
        nvml = Nvml(*cards)
        for verb in [name for name in dir(Nvml) if name.startswith("nvml")]:
            monkeypatch.setattr(pynvml, verb, getattr(nvml, verb))
        return nvml

    return build


def test_what_is_measured_makes_a_heartbeat(machine):
    machine(("A", 8000, 7000))

    read = HostSensors().read([os.getpid()])

    beat = read_beat({**SAID, "incarnation": "one", **read})
    assert 0 <= beat.cpu <= 1
    assert 0 < beat.memory < 1
    assert 0 < beat.free_memory_mb <= psutil.virtual_memory().total // MIB
    assert beat.gpus == (Gpu(0, "A", 8000, 7000, "GPU-0f35-04ab"),)
    assert beat.metrics.keys() == {"load", "disk", "network", "slot_rss_mb"}
    json.dumps(read, allow_nan=False)


def test_loads_are_shares_of_one_and_memory_is_in_mib(machine, monkeypatch):
    machine()
    monkeypatch.setattr(psutil, "cpu_percent", lambda interval: 25.0)
    memory = SimpleNamespace(percent=50.0, available=3 * 1024 * MIB, total=8 * 1024 * MIB)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    monkeypatch.setattr(psutil, "getloadavg", lambda: (1.5, 8.0, 9.0))
    monkeypatch.setattr(psutil, "disk_usage", lambda path: SimpleNamespace(percent=75.0))

    read = HostSensors().read([])

    assert (read["cpu"], read["memory"]) == (0.25, 0.5)
    assert (read["free_memory_mb"], read["total_memory_mb"]) == (3072, 8192)
    assert (read["metrics"]["load"], read["metrics"]["disk"]) == (1.5, 0.75)


def test_each_slot_is_weighed_and_one_that_just_died_weighs_nothing(machine):
    machine()
    ended = os.fork()
    if not ended:
        os._exit(0)
    os.waitpid(ended, 0)

    mine, gone = HostSensors().read([os.getpid(), ended])["metrics"]["slot_rss_mb"]

    assert gone == 0
    assert 10 < mine < 10_000  # a test run of Django weighs some 100 MiB


def test_what_a_slot_started_is_weighed_with_it(machine):
    code = "import os, time; os.setpgid(0, 0); "
    code += "held = b'' if os.fork() else b'x' * (50 << 20); print(flush=True); time.sleep(60)"
    slot = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    try:
        for _ in range(2):
            slot.stdout.readline()  # both of them have what they want

        [held] = groups_rss_mb([slot.pid]).values()

        assert held > 50
    finally:
        os.killpg(slot.pid, signal.SIGKILL)
        slot.communicate()


def test_nobody_is_looked_for_when_no_slot_works(monkeypatch):
    monkeypatch.setattr(psutil, "pids", None)

    assert groups_rss_mb([]) == {}


def test_all_spores_of_a_machine_call_it_by_one_name_until_it_boots_again(
    machine, monkeypatch, tmp_path
):
    machine()
    monkeypatch.setattr(sensors, "BOOT_ID", tmp_path / "boot_id")
    sensors.BOOT_ID.write_text("3b5e-04\n")

    assert HostSensors().read([])["host"] == HostSensors().read([])["host"] == "3b5e-04"
    sensors.BOOT_ID.unlink()
    assert HostSensors().read([])["host"] == platform.node()


def test_every_card_is_told_apart_by_its_index(machine):
    machine((b"old binding", 8000, 10), ("H100", 80000, 79000))

    assert HostSensors().read([])["gpus"] == [
        {
            "index": 0,
            "uuid": "GPU-0f35-04ab",
            "name": "old binding",
            "memory_mb": 8000,
            "free_mb": 10,
        },
        {
            "index": 1,
            "uuid": "GPU-1f35-04ab",
            "name": "H100",
            "memory_mb": 80000,
            "free_mb": 79000,
        },
    ]


def test_a_card_that_is_lost_does_not_take_the_machine_along(machine):
    nvml = machine(("A", 8000, 7000), ("B", 8000, 7000))
    sensors = HostSensors()
    nvml.cards[0] = None

    assert [gpu["index"] for gpu in sensors.read([])["gpus"]] == [1]
    nvml.cards[0] = ("A", 8000, 7000)
    assert [gpu["index"] for gpu in sensors.read([])["gpus"]] == [0, 1]


def test_a_machine_whose_driver_does_not_answer_has_no_cards(machine, monkeypatch):
    def fail() -> None:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_DRIVER_NOT_LOADED)

    machine(("A", 8000, 7000))
    monkeypatch.setattr(pynvml, "nvmlInit", fail)

    assert HostSensors().read([])["gpus"] == []


def test_a_machine_without_a_driver_has_no_cards_and_loads_nothing_for_them(monkeypatch):
    monkeypatch.setattr(sensors, "NVML", "libnvidia-ml-that-is-not-there.so")
    monkeypatch.setitem(sys.modules, "pynvml", None)

    assert HostSensors().read([])["gpus"] == []


def test_where_nvml_can_be_loaded_it_is_asked(monkeypatch):
    monkeypatch.setattr(sensors, "NVML", "libc.so.6")

    assert sensors.has_driver()


def test_a_machine_without_a_network_is_no_failure(machine, monkeypatch):
    machine()
    monkeypatch.setattr(psutil, "net_io_counters", lambda: None)

    assert HostSensors().read([])["metrics"]["network"] == {}


CARDS = [("A", 8000, 7000), ("B", 8000, 6000), ("C", 8000, 5000)]


@pytest.mark.parametrize(
    ("given", "indexes"),
    [
        ("", []),
        ("1", [1]),
        ("2, 0", [0, 2]),
        ("GPU-1", [1]),
        ("GPU-0a,2", [2]),
        ("GPU-2f35", [2]),
        ("-1", []),
        ("NoDevFiles", []),
    ],
)
def test_a_spore_uses_only_the_devices_that_its_environment_names(
    machine, monkeypatch, given, indexes
):
    machine(*CARDS)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", given)

    assert [gpu["index"] for gpu in HostSensors().read([])["gpus"]] == indexes
