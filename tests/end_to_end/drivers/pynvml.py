"""Stands in for NVIDIA's driver on machines without one. `CARDS` names the devices: MIB[/FREE]."""

import os
from types import SimpleNamespace

MIB = 2**20


class NVMLError(Exception):
    """As the real one; it is never raised here."""


def nvmlInit() -> None:
    pass


def nvmlDeviceGetCount() -> int:
    return len(os.environ["CARDS"].split(","))


def nvmlDeviceGetHandleByIndex(index: int) -> int:
    return index


def nvmlDeviceGetName(handle: int) -> str:
    return f"cardboard {handle}"


def nvmlDeviceGetUUID(handle: int) -> str:
    return f"GPU-{handle}"


def nvmlDeviceGetMemoryInfo(handle: int) -> SimpleNamespace:
    total, _, free = os.environ["CARDS"].split(",")[handle].partition("/")
    return SimpleNamespace(total=int(total) * MIB, free=int(free or total) * MIB)
