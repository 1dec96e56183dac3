"""`/metrics` for Prometheus: the Foreman's newest picture as text. Costs one read of Redis."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.utils import floatToGoString
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from hive_site.metrics_of_services import of_process, of_services
from hive_site.metrics_of_work import of_work
from nodes.domain.liveness import ON_PURPOSE
from nodes.domain.states import NodeState
from nodes.picture import look

#: What each node says, by its name in the picture: the metric, and what it means.
OF_NODES = {
    "slots": ("hive_node_slots", "What may run at once on the node"),
    "running": ("hive_node_running", "Slots of the node that have work"),
    "cpu": ("hive_node_cpu_ratio", "CPU load of the node, 0 to 1"),
    "memory": ("hive_node_memory_ratio", "Memory in use on the node, 0 to 1"),
}
#: What only grows while one Foreman leads.
COUNTED = {
    "second_copies": ("hive_second_copies", "Second copies sent of what held up a job"),
    "dropped_reports": ("hive_dropped_reports", "Reports that came too late to count"),
    "dead_letters": ("hive_dead_letters", "Reports that could not be stored"),
}


class AsItIs(BaseContentNegotiation):
    """There is one form, whatever is asked for."""

    def select_parser(self, request: Request, parsers: list[Any]) -> Any:
        """The first; nothing is sent here that is to be parsed."""
        return parsers[0]

    def select_renderer(
        self, request: Request, renderers: list[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """The first, which errors are told in."""
        return renderers[0], renderers[0].media_type or ""


@extend_schema(exclude=True)
class MetricsView(APIView):
    """For a key with the scope `read`, or anybody who may look."""

    content_negotiation_class = AsItIs

    def get(self, request: Request) -> HttpResponse:
        """The text. Without a Foreman: that there is none, and nothing that is out of date."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(Picture())
        of_process(registry, release=settings.HIVE_RELEASE)
        return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_PLAIN_0_0_4)


class Picture:
    """Collects for `prometheus_client`."""

    def collect(self) -> Iterator[Metric]:
        """All metrics of this moment."""
        now = time.time()
        picture = look().current(now)
        yield _gauge("hive_foreman_leads", "Whether a Foreman leads", float(bool(picture)))
        if not picture:
            return
        age = max(now - picture["at"], 0.0)
        yield _gauge("hive_snapshot_age_seconds", "Age of these figures", age)
        yield _gauge("hive_foreman_epoch", "Which leader this is", picture["foreman"]["epoch"])
        yield from _of_loop(picture.get("loop"))
        yield from _of_cluster(picture)
        # By name: of two rows of one node Prometheus would refuse everything.
        nodes = list({node["name"]: node for node in picture["nodes"]}.values())
        busy = sum(node["running"] for node in nodes)
        yield _gauge("hive_slots_busy", "Slots that have work", busy)
        yield from _of_nodes(nodes)
        yield from _of_queues(picture["queues"])
        for name, (metric, told) in COUNTED.items():
            yield CounterMetricFamily(metric, told, value=picture[name])
        yield from of_work(picture)
        yield from of_services(picture)


def _of_loop(loop: Mapping[str, Any] | None) -> Iterator[Metric]:
    if loop is None:
        return  # a Foreman of an earlier release drew it
    buckets = [(floatToGoString(end), count) for end, count in loop["buckets"]]
    told = "Steps of the Foreman's loop, without its rests"
    yield HistogramMetricFamily(
        "hive_foreman_loop_seconds",
        told,
        buckets=[*buckets, ("+Inf", loop["count"])],
        sum_value=loop["sum"],
    )


def _of_cluster(picture: Mapping[str, Any]) -> Iterator[Metric]:
    yield _gauge("hive_slots", "Slots of all nodes that are there", picture["slots"])
    running = picture["active_subtasks"]
    yield _gauge("hive_active_subtasks", "Subtasks that were sent and have not ended", running)
    rates = GaugeMetricFamily(
        "hive_subtasks_per_second", "Subtasks that end, as they end", labels=["outcome"]
    )
    for name, rate in picture["throughput"].items():
        rates.add_metric([name.removesuffix("_per_second")], rate)
    yield rates


def _of_nodes(nodes: list[dict[str, Any]]) -> Iterator[Metric]:
    states = GaugeMetricFamily("hive_nodes", "Nodes in each state", labels=["state"])
    for state in NodeState:
        states.add_metric([state], sum(node["state"] == state for node in nodes))
    yield states
    stopped = sum(
        node["state"] == NodeState.LOST and node.get("reason") in ON_PURPOSE for node in nodes
    )
    yield _gauge(
        "hive_nodes_shut_down", "Those of the lost nodes that were shut down or revoked", stopped
    )
    about = GaugeMetricFamily("hive_node_info", "What a node runs", labels=["node", "release"])
    for node in nodes:
        about.add_metric([node["name"], node["release"]], 1)
    yield about
    for name, (metric, told) in OF_NODES.items():
        family = GaugeMetricFamily(metric, told, labels=["node"])
        for node in nodes:
            family.add_metric([node["name"]], node[name])
        yield family


def _of_queues(queues: dict[str, dict[str, Any]]) -> Iterator[Metric]:
    depth = GaugeMetricFamily("hive_queue_depth", "Subtasks that wait", labels=["queue"])
    oldest = GaugeMetricFamily(
        "hive_queue_oldest_wait_seconds", "How long the oldest waits", labels=["queue"]
    )
    paused = GaugeMetricFamily("hive_queue_paused", "Whether it is paused", labels=["queue"])
    for name, queue in queues.items():
        depth.add_metric([name], queue["depth"])
        oldest.add_metric([name], queue["oldest_wait"] or 0.0)
        paused.add_metric([name], float(queue["paused"]))
    yield from (depth, oldest, paused)


def _gauge(name: str, told: str, value: float) -> Metric:
    return GaugeMetricFamily(name, told, value=value)
