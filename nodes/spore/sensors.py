"""What a machine measures of itself: psutil for the host, control groups for what limits us on it,
NVML for GPUs where there are any."""

import ctypes
import os
import platform
import sys
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import psutil

from nodes.spore.cgroups import ControlGroups

#: By what name a driver's NVML is found on Linux.
NVML = "libnvidia-ml.so.1"
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Sensors(Protocol):
    """Anything that can be asked how loaded its machine is."""

    def read(self, pids: list[int]) -> dict[str, Any]:
        """host, cpu and memory (0 to 1), free_memory_mb and total_memory_mb, gpus, and metrics of
        host and processes."""


class HostSensors:
    """The machine this process runs on, or as much of it as its container may take."""

    def __init__(self, groups: ControlGroups | None = None) -> None:
        self._gpus, self._host = _find_gpus(), host_id()
        self._groups = groups or ControlGroups()
        psutil.cpu_percent(None)  # the first call only starts the measurement

    def read(self, pids: list[int]) -> dict[str, Any]:
        """See `Sensors.read`."""
        return {
            "host": self._host,
            # Cores that others keep busy do not serve us, whatever we may take.
            "cpu": max(psutil.cpu_percent(None) / 100, self._groups.cpu() or 0.0),
            **self._memory(),
            "gpus": _read_gpus(self._gpus),
            "metrics": {
                "load": psutil.getloadavg()[0],
                "disk": psutil.disk_usage("/").percent / 100,
                "network": _network(),
                "slot_rss_mb": [rss_mb(pid) for pid in pids],
            },
        }

    def _memory(self) -> dict[str, Any]:
        host, ours = psutil.virtual_memory(), self._groups.memory()
        used, free, total = host.percent / 100, host.available, host.total
        if ours and ours.total < total:
            free, total = min(free, ours.free), ours.total
            used = 1 - free / total
        return {
            "memory": used,
            "free_memory_mb": free // 2**20,
            "total_memory_mb": total // 2**20,
        }


def _network() -> dict[str, int]:
    counters = psutil.net_io_counters()
    return {"sent": counters.bytes_sent, "received": counters.bytes_recv} if counters else {}


def host_id() -> str:
    """What this machine is called by all Spores on it, in whatever containers they run.

    Containers see their host's memory and devices, and the kernel's id of this boot, which
    images cannot copy as they do a machine's id.
    """
    try:
        return BOOT_ID.read_text().strip()
    except OSError:
        return platform.node()


def groups_rss_mb(leaders: Collection[int]) -> dict[int, int]:
    """The resident memory of these processes in MiB, with what each started in its group."""
    held = dict.fromkeys(leaders, 0)
    for pid in psutil.pids() if held else ():
        with suppress(ProcessLookupError, PermissionError):
            group = pid if pid in held else os.getpgid(pid)
            if group in held:
                held[group] += rss_mb(pid)
    return held


def rss_mb(pid: int) -> int:
    """The resident memory of a process in MiB; 0 if it is no more."""
    try:
        return int(psutil.Process(pid).memory_info().rss // 2**20)
    except psutil.Error:
        return 0


def _find_gpus() -> list[tuple[int, Any]]:
    """The devices that this Spore may use, by NVML's numbers: all, or those that its
    CUDA_VISIBLE_DEVICES names."""
    if not has_driver():
        return []
    import pynvml

    try:
        pynvml.nvmlInit()
        count = pynvml.nvmlDeviceGetCount()
        found = [(index, pynvml.nvmlDeviceGetHandleByIndex(index)) for index in range(count)]
        given = os.environ.get("CUDA_VISIBLE_DEVICES")
        return found if given is None else [one for one in found if _is_named(one, given)]
    except pynvml.NVMLError:
        return []


def has_driver() -> bool:
    """Whether there is an NVML to ask; what asks it takes more memory than looking for it."""
    if sys.platform != "linux":
        return True
    try:
        ctypes.CDLL(NVML)
    except OSError:
        return False
    return True


def _is_named(gpu: tuple[int, Any], given: str) -> bool:
    """Whether a list of numbers and unique ids, or beginnings of these, names a device."""
    import pynvml

    index, handle = gpu
    names = [name.strip() for name in given.split(",")]
    uuid = _text(pynvml.nvmlDeviceGetUUID(handle))
    return str(index) in names or any(n.startswith("GPU-") and uuid.startswith(n) for n in names)


def _read_gpus(gpus: list[tuple[int, Any]]) -> list[dict[str, Any]]:
    if not gpus:
        return []
    import pynvml

    found = []
    for index, handle in gpus:
        try:
            memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
            name, uuid = pynvml.nvmlDeviceGetName(handle), pynvml.nvmlDeviceGetUUID(handle)
        except pynvml.NVMLError:  # it fell off the bus, or its driver is being replaced
            continue
        found.append(
            {
                "index": index,
                "uuid": _text(uuid),
                "name": _text(name),
                "memory_mb": memory.total // 2**20,
                "free_mb": memory.free // 2**20,
            }
        )
    return found


def _text(value: str | bytes) -> str:
    """What NVML says; older bindings give bytes."""
    return value.decode() if isinstance(value, bytes) else value
