"""A heartbeat, checked. What a node says of itself is clamped, never believed blindly."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from nodes.domain.placement import Gpu

MAX_SLOTS = 1024


@dataclass(frozen=True, slots=True)
class Running:
    """An attempt that a slot is working on. Times are Redis's, in Unix seconds."""

    attempt: int
    started_at: float
    progress: float = 0.0
    message: str = ""


@dataclass(frozen=True, slots=True)
class Beat:
    """One heartbeat of one start (incarnation) of a Spore. Loads run from 0 to 1."""

    incarnation: str
    slots: int = 1
    cpu: float = 0.0
    memory: float = 0.0
    free_memory_mb: int = 0
    labels: dict[str, str] = field(default_factory=dict)
    capabilities: frozenset[str] = frozenset()
    gpus: tuple[Gpu, ...] = ()
    release: str = ""
    agent_version: str = ""
    platform: str = ""
    running: tuple[Running, ...] = ()
    #: Why the node wants no new work, in its own words; empty if it does.
    trouble: str = ""
    metrics: dict[str, Any] = field(default_factory=dict)


def read_beat(body: Mapping[str, Any]) -> Beat:
    """The heartbeat in a verified message. Raises `ValueError` if it makes no sense."""
    try:
        return Beat(
            incarnation=str(body["incarnation"])[:32],
            slots=min(max(int(body["slots"]), 0), MAX_SLOTS),
            cpu=_share(body["cpu"]),
            memory=_share(body["memory"]),
            free_memory_mb=int(body["free_memory_mb"]),
            labels={str(k): str(v) for k, v in body["labels"].items()},
            capabilities=frozenset(map(str, body["capabilities"])),
            gpus=tuple(_read_gpu(gpu) for gpu in body["gpus"]),
            release=str(body["release"])[:64],
            agent_version=str(body["agent_version"])[:32],
            platform=str(body["platform"])[:128],
            running=tuple(
                Running(int(a), float(t), _share(p), str(m)) for a, t, p, m in body["running"]
            ),
            trouble=str(body.get("trouble", ""))[:200],
            metrics=dict(body["metrics"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a heartbeat: {error!r}") from error


def _read_gpu(gpu: Mapping[str, Any]) -> Gpu:
    return Gpu(int(gpu["index"]), str(gpu["name"]), int(gpu["memory_mb"]), int(gpu["free_mb"]))


def _share(value: Any) -> float:
    number = float(value)
    return min(max(number, 0.0), 1.0) if isfinite(number) else 0.0
