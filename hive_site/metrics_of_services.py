"""What `/metrics` tells of the machinery: Redis, outages, updates, pools, and this process."""

from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

REDIS = {
    "used_memory": ("hive_redis_memory_bytes", "Memory that Redis holds"),
    "maxmemory": ("hive_redis_memory_limit_bytes", "Memory that Redis may hold; 0 for no limit"),
    "connected_clients": ("hive_redis_clients", "Connections to Redis"),
    "blocked_clients": ("hive_redis_blocked_clients", "Connections that wait for work or news"),
    "answer_seconds": ("hive_redis_answer_seconds", "How long Redis took to say how it is"),
    "write_failed": ("hive_redis_write_failed", "Whether Redis could not write to its disk"),
}
REDIS_COUNTED = {
    "evicted_keys": ("hive_redis_evicted_keys", "Keys that Redis threw away: none of ours may be"),
    "rejected_connections": ("hive_redis_rejected_connections", "Connections over Redis's limit"),
    "total_commands_processed": ("hive_redis_commands", "Commands that Redis carried out"),
}
POOL = {
    "ready": "Nodes of a pool that take work",
    "starting": "Nodes of a pool that were started and have not come",
    "draining": "Nodes of a pool that end what they have",
    "wanted": "Nodes that a pool is to have",
    "min": "The fewest nodes that a pool may have",
    "max": "The most nodes that a pool may have",
}


def of_services(picture: Mapping[str, Any]) -> Iterator[Metric]:
    """Nothing of what a Foreman of an earlier release does not draw."""
    redis = picture.get("redis") or {}
    for name, (metric, told) in REDIS.items():
        if name in redis:
            yield GaugeMetricFamily(metric, told, value=float(redis[name]))
    for name, (metric, told) in REDIS_COUNTED.items():
        if name in redis:
            yield CounterMetricFamily(metric, told, value=redis[name])
    yield from _of_troubles(picture)
    yield from _of_rollouts(picture.get("updates") or ())
    yield from _of_pools(picture.get("pools") or {})


def _of_troubles(picture: Mapping[str, Any]) -> Iterator[Metric]:
    outages = CounterMetricFamily(
        "hive_foreman_outages", "Steps of the Foreman that an outage broke off", labels=["of"]
    )
    for service in ("database", "redis"):
        outages.add_metric([service], (picture.get("outages") or {}).get(service, 0))
    yield outages
    told = "How often something broke that the Foreman does beside its work"
    broken = CounterMetricFamily("hive_side_jobs_broken", told, labels=["side_job"])
    for name, count in (picture.get("side_jobs_broken") or {}).items():
        broken.add_metric([name], count)
    yield broken


def _of_rollouts(updates: Any) -> Iterator[Metric]:
    labels = ["rollout", "release"]
    paused = GaugeMetricFamily("hive_rollout_paused", "Whether a rollout waits", labels=labels)
    wave = GaugeMetricFamily("hive_rollout_wave", "The wave of a rollout, from 0", labels=labels)
    waves = GaugeMetricFamily("hive_rollout_waves", "How many waves it has", labels=labels)
    nodes = GaugeMetricFamily(
        "hive_rollout_nodes", "Nodes of a rollout in each state", labels=[*labels, "state"]
    )
    for view in updates:
        name = [view["id"], view["release"]]
        paused.add_metric(name, float(view["state"] == "paused"))
        wave.add_metric(name, view["wave"])
        waves.add_metric(name, view["waves"])
        for state, count in view["nodes"].items():
            nodes.add_metric([*name, state], count)
    yield from (paused, wave, waves, nodes)


def _of_pools(pools: Mapping[str, Mapping[str, Any]]) -> Iterator[Metric]:
    for figure, told in POOL.items():
        family = GaugeMetricFamily(f"hive_pool_{figure}_nodes", told, labels=["pool"])
        for name, pool in pools.items():
            if isinstance(pool.get(figure), int):
                family.add_metric([name], pool[figure])
        yield family
    failing = GaugeMetricFamily(
        "hive_pool_failing",
        "Whether a pool's machines cannot be started or listed",
        labels=["pool"],
    )
    for name, pool in pools.items():
        failing.add_metric([name], float(bool(pool.get("error"))))
    yield failing


def of_process(registry: CollectorRegistry, *, release: str) -> None:
    """Add what this Nexus says of itself: which release, its memory, its CPU, its garbage."""
    registry.register(_Build(release))
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)


class _Build(Collector):
    """Which release a Nexus is of."""

    def __init__(self, release: str) -> None:
        self._release = release

    def collect(self) -> Iterator[Metric]:
        """One metric that is always 1."""
        yield InfoMetricFamily("hive_build", "The Nexus's release", {"release": self._release})
