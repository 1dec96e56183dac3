"""A heartbeat, checked. What a node says of itself is clamped, never believed blindly."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from nodes.domain.placement import Gpu

MAX_SLOTS = 1024
MAX_COUNT = 2**31 - 1
MAX_TEXT_CHARS = 200
MAX_METRICS_CHARS = 16_384
#: What a launcher calls it while a release proves itself (ota/domain/states.py).
UNPROVED = ("trial", "rollback")
#: The end of the year 9999, the last that dates can hold.
MAX_UNIX_SECONDS = 253402300799.0
_write = json.JSONEncoder(allow_nan=False).encode


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
    #: What all nodes of its machine call that; empty from nodes that do not say.
    host: str = ""
    slots: int = 1
    cpu: float = 0.0
    memory: float = 0.0
    free_memory_mb: int = 0
    #: Of the whole machine; 0 from nodes that do not say.
    total_memory_mb: int = 0
    labels: dict[str, str] = field(default_factory=dict)
    capabilities: frozenset[str] = frozenset()
    gpus: tuple[Gpu, ...] = ()
    release: str = ""
    agent_version: str = ""
    platform: str = ""
    running: tuple[Running, ...] = ()
    #: What attempts at work hold of the machine's memory, as far as the node says.
    held_mb: dict[int, int] = field(default_factory=dict)
    #: So many bundles are with retired agents, beside its slots (a hand-over between releases).
    elders: int = 0
    #: Why the node wants no new work, in its own words; empty if it does.
    trouble: str = ""
    #: The digest of its list of tasks; empty while no slot has loaded them, None from nodes
    #: that do not say.
    tasks: str | None = None
    metrics: dict[str, Any] = field(default_factory=dict)

    @property
    def updating(self) -> bool:
        """Whether it runs a release that has not proved itself yet."""
        home = self.metrics.get("ota")
        return isinstance(home, dict) and home.get("phase") in UNPROVED


def read_beat(body: Mapping[str, Any]) -> Beat:
    """The heartbeat in a verified message. Raises `ValueError` if it makes no sense."""
    try:
        return Beat(
            incarnation=_read_incarnation(body["incarnation"]),
            host=_text(body.get("host", ""), 64),
            slots=_count(body["slots"], MAX_SLOTS),
            cpu=_share(body["cpu"]),
            memory=_share(body["memory"]),
            free_memory_mb=_count(body["free_memory_mb"]),
            total_memory_mb=_count(body.get("total_memory_mb", 0)),
            labels={_text(k): _text(v) for k, v in body["labels"].items()},
            capabilities=frozenset(map(_text, body["capabilities"])),
            gpus=tuple(_read_gpu(gpu) for gpu in body["gpus"]),
            release=_text(body["release"], 64),
            agent_version=_text(body["agent_version"], 32),
            platform=_text(body["platform"], 128),
            running=tuple(_read_running(*row) for row in body["running"]),
            held_mb={int(attempt): _count(mb) for attempt, mb in body.get("held_mb", ())},
            elders=_count(body.get("elders", 0), MAX_SLOTS),
            trouble=_text(body.get("trouble", "")),
            tasks=_text(body["tasks"], 64) if "tasks" in body else None,
            metrics=_read_metrics(body["metrics"]),
        )
    except (KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError(f"not a heartbeat: {error!r}") from error


def _read_incarnation(value: Any) -> str:
    incarnation = _text(value, 32)
    if not incarnation:
        raise ValueError("not a heartbeat: its incarnation has no name")
    return incarnation


def _read_gpu(gpu: Mapping[str, Any]) -> Gpu:
    return Gpu(
        index=_count(gpu["index"]),
        name=_text(gpu["name"]),
        memory_mb=_count(gpu["memory_mb"]),
        free_mb=_count(gpu["free_mb"]),
        uuid=_text(gpu.get("uuid", ""), 64),
    )


def _read_running(attempt: Any, started_at: Any, progress: Any, message: Any) -> Running:
    since = _clamp(started_at, MAX_UNIX_SECONDS)
    return Running(int(attempt), since, _share(progress), _text(message))


def _read_metrics(value: Any) -> dict[str, Any]:
    metrics = dict(value)
    # They are shown as they are: whoever looks must be able to parse them.
    if len(_write(metrics)) > MAX_METRICS_CHARS:
        raise ValueError(f"not a heartbeat: metrics over {MAX_METRICS_CHARS} characters")
    return metrics


def _text(value: Any, most: int = MAX_TEXT_CHARS) -> str:
    """Text that every database can store: no NUL, no half of a surrogate pair."""
    text = str(value)
    if not text.isascii():
        text = text.encode(errors="replace").decode()
    return text.replace("\0", "")[:most]


def _count(value: Any, most: int = MAX_COUNT) -> int:
    number = int(value)
    return number if 0 <= number <= most else min(max(number, 0), most)


def _share(value: Any) -> float:
    return _clamp(value, 1.0)


def _clamp(value: Any, most: float) -> float:
    number = float(value)
    if 0.0 <= number <= most:
        return number
    return most if number > most and isfinite(number) else 0.0
