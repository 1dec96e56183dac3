"""The spans of jobs on the Nexus's side: submitted, sent, recorded, over. Those of Spores:
jobs/spore/trace.py. There are none unless somebody wants them (hive_site/kernel/tracing.py).
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from django.db import transaction

from hive_site.kernel import tracing
from jobs.domain.backlog import Line, Order
from jobs.domain.flight import Sent
from jobs.domain.states import JobState
from jobs.models import Job
from nodes.ports import Report


def begin_job(job: Job) -> str:
    """Begin the trace of a job that is being stored, told once that is certain; its traceparent,
    empty if nobody wants it."""
    facts = {"job": job.pk, "task": job.task, "queue": job.queue, "items": job.total}
    span = tracing.begin_trace("job.submit", **facts)
    if span is None:
        return ""
    transaction.on_commit(span.end)
    return span.traceparent


@contextmanager
def sending(planned: Sequence[tuple[Sent, Line]]) -> Iterator[list[tuple[Sent, Order]]]:
    """The orders of planned bundles; while they are sent, each traced one has a span of its own,
    which is the parent of whatever becomes of it."""
    batch = [(sent, line.order.of(reduce=sent.items[0].reduce)) for sent, line in planned]
    if not tracing.is_on():
        yield batch
        return
    spans: list[tracing.Span] = []
    error = "not sent"
    try:
        yield [(sent, _traced(sent, order, spans)) for sent, order in batch]
        error = ""
    finally:
        for span in spans:
            span.end(error=error)


def _traced(sent: Sent, order: Order, spans: list[tracing.Span]) -> Order:
    facts = {"job": sent.job, "node": sent.node, "items": len(sent.items), "placed": sent.placed}
    span = tracing.begin("bundle.dispatch", parent=order.traceparent, bundle=sent.id, **facts)
    if span is None:
        return order
    spans.append(span)
    return replace(order, traceparent=span.traceparent)


@contextmanager
def recording(reports: Sequence[Report]) -> Iterator[None]:
    """While reports are committed, each traced one has a span."""
    begun = time.time()
    yield
    if not tracing.is_on():
        return
    ended = time.time()
    for report in reports:
        tracing.tell(
            "subtask.record",
            parent=str(report.body.get("traceparent", "")),
            begun=begun,
            ended=ended,
            node=report.node,
            job=str(report.body.get("job", "")),
            bundle=str(report.body.get("bundle", "")),
        )


def tell_end(order: Order, state: JobState) -> None:
    """A job is over."""
    now = time.time()
    tracing.tell(
        "job.finish",
        parent=order.traceparent,
        begun=now,
        ended=now,
        job=order.job,
        state=str(state),
        error="the job failed" if state is JobState.FAILED else "",
    )
