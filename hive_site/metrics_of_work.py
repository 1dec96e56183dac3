"""What `/metrics` tells of work: what became of it, how long it waited, how fast it is moved."""

from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.utils import floatToGoString

from jobs.domain.states import JOB_TERMINAL

#: By their names in the picture.
TIMED = {
    "sends": ("hive_dispatch_seconds", "Handing bundles to Redis, a step's together"),
    "records": ("hive_record_seconds", "Committing reports to the database, a batch each"),
}
WEBHOOKS = {
    "pending": ("hive_webhooks_pending", "Webhooks that are still to be delivered"),
    "oldest_seconds": ("hive_webhooks_oldest_wait_seconds", "How long the oldest of them waits"),
}
OF_LAST_HOUR = {"delivered": "delivered_last_hour", "failed": "failed_last_hour"}


def of_work(picture: Mapping[str, Any]) -> Iterator[Metric]:
    """Nothing of what a Foreman of an earlier release does not draw."""
    if totals := picture.get("totals"):
        yield from _of_totals(totals)
    if "bundles" in picture:
        told = "Bundles that were sent and have not come back"
        yield GaugeMetricFamily("hive_bundles_in_flight", told, value=picture["bundles"])
        told = "Jobs that have not ended and may be worked on"
        yield GaugeMetricFamily("hive_jobs_open", told, value=picture["jobs_open"])
    for name, (metric, told) in TIMED.items():
        if drawn := picture.get(name):
            family = HistogramMetricFamily(metric, told)
            add_histogram(family, [], drawn)
            yield family
    yield from _of_webhooks(picture.get("webhooks"))


def _of_totals(totals: Mapping[str, Any]) -> Iterator[Metric]:
    ended = CounterMetricFamily("hive_subtasks_ended", "Subtasks that ended", labels=["outcome"])
    for outcome, count in totals["ended"].items():
        ended.add_metric([outcome], count)
    yield ended
    told = "Attempts after which their subtask is tried again"
    yield CounterMetricFamily("hive_subtasks_retried", told, value=totals["retried"])
    sent = CounterMetricFamily("hive_subtasks_sent", "Subtasks sent to nodes", labels=["queue"])
    for queue, count in totals["sent"].items():
        sent.add_metric([queue], count)
    yield sent
    jobs = CounterMetricFamily("hive_jobs_ended", "Jobs that ended", labels=["state"])
    for state in sorted(JOB_TERMINAL):
        jobs.add_metric([str(state)], totals["jobs"].get(str(state), 0))
    yield jobs
    waits = HistogramMetricFamily(
        "hive_queue_wait_seconds", "How long subtasks waited to be sent", labels=["queue"]
    )
    for queue, drawn in totals["waits"].items():
        add_histogram(waits, [queue], drawn)
    yield waits


def _of_webhooks(seen: Mapping[str, Any] | None) -> Iterator[Metric]:
    if not seen:
        return
    for name, (metric, told) in WEBHOOKS.items():
        yield GaugeMetricFamily(metric, told, value=seen[name])
    lately = GaugeMetricFamily(
        "hive_webhooks_last_hour", "Webhooks that ended in the last hour", labels=["outcome"]
    )
    for outcome, name in OF_LAST_HOUR.items():
        lately.add_metric([outcome], seen[name])
    yield lately


def add_histogram(
    family: HistogramMetricFamily, labels: list[str], drawn: Mapping[str, Any]
) -> None:
    """Add what a `Histogram`, or `Laps`, told."""
    buckets = [(floatToGoString(end), count) for end, count in drawn["buckets"]]
    everything = [*buckets, ("+Inf", drawn["count"])]
    family.add_metric(labels, buckets=everything, sum_value=drawn["sum"])
