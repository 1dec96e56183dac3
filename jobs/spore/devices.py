"""GPUs as a slot's process sees them."""

import os
from pathlib import Path

MAPS = Path("/proc/self/maps")


def show_devices(gpus: tuple[int, ...]) -> None:
    """Let what runs next see these devices only, by the numbers that NVML gives them."""
    os.environ["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"
    os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(map(str, gpus))


def holds_devices() -> bool:
    """Whether CUDA was loaded into this process.

    It looks for devices once, and keeps the memory it took on them until the process ends.
    """
    try:
        return "libcuda.so" in MAPS.read_text(errors="replace")
    except OSError:  # no Linux: better one process too many than a device that is never free
        return True
