"""The spans of jobs on the Nexus's side."""

import pytest
from django.db import transaction

from hive_site.kernel import tracing
from jobs import services, traces
from jobs.domain.flight import Sent
from jobs.domain.states import JobState
from jobs.loader import open_line, read_order
from jobs.models import Job
from nodes.ports import Report
from tests.hive_site.kernel.spans import PARENT, recorded

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def spans(redis):
    with recorded() as spans:
        yield spans


def sent_of(job: Job, *items: object) -> Sent:
    from jobs.domain.backlog import Ready

    ready = [Ready(n, n, 1, "null") for n, _ in enumerate(items, start=1)]
    return Sent(id="bee-1", node="bee", incarnation="i", job=job.pk, first=1, at=0.0, items=ready)


def test_a_submission_begins_a_trace_that_its_job_keeps(spans):
    job = services.submit_job(task="demo.echo", items=[1, 2])

    [span] = spans
    assert (span.name, span.parent) == ("job.submit", "")
    assert span.facts == {"job": job.pk, "task": "demo.echo", "queue": "background", "items": 2}
    assert Job.objects.get().traceparent == span.traceparent == read_order(job).traceparent


def test_a_caller_that_traces_goes_on(spans):
    with tracing.called_by(PARENT):
        services.submit_job(task="demo.echo", items=[1])

    assert [span.parent for span in spans] == [PARENT]


def test_what_is_not_stored_is_not_told(spans):
    def submit_and_break():
        services.submit_job(task="demo.echo", items=[1])
        raise RuntimeError

    with pytest.raises(RuntimeError), transaction.atomic():
        submit_and_break()

    assert spans == []


def test_a_bundle_carries_the_span_of_its_dispatch(spans):
    job = services.submit_job(task="demo.echo", items=[1])
    spans.clear()

    with traces.sending([(sent_of(job, 1), open_line(job))]) as batch:
        [(_, order)] = batch
        before = list(spans)

    [span] = spans
    assert before == []
    assert (span.name, span.parent, span.error) == ("bundle.dispatch", job.traceparent, "")
    assert order.traceparent == span.traceparent
    assert (span.facts["node"], span.facts["items"]) == ("bee", 1)


def test_a_bundle_that_could_not_be_sent_is_told_so(spans):
    job = services.submit_job(task="demo.echo", items=[1])
    spans.clear()

    with pytest.raises(OSError), traces.sending([(sent_of(job, 1), open_line(job))]):
        raise OSError

    assert [span.error for span in spans] == ["not sent"]


def test_reports_that_name_their_span_have_one(spans):
    bodies = [{"traceparent": PARENT, "job": "job_1"}, {"job": "job_2"}, {"traceparent": 7}]
    reports = [Report("bee", "i", str(n), body) for n, body in enumerate(bodies)]

    with traces.recording(reports):
        pass

    [span] = spans
    assert (span.name, span.parent, span.facts["job"]) == ("subtask.record", PARENT, "job_1")


def test_the_end_of_a_job_is_told_with_its_state(spans):
    job = services.submit_job(task="demo.echo", items=[1])
    spans.clear()

    traces.tell_end(read_order(job), JobState.FAILED)

    [span] = spans
    assert (span.name, span.parent, span.error) == ("job.finish", job.traceparent, "the job failed")
    assert span.facts["state"] == "failed"


def test_without_a_tracer_there_is_nothing(redis):
    job = services.submit_job(task="demo.echo", items=[1])
    sent, line = sent_of(job, 1), open_line(job)

    with traces.sending([(sent, line)]) as batch, traces.recording([]):
        traces.tell_end(line.order, JobState.SUCCEEDED)

    assert Job.objects.get().traceparent == ""
    assert batch == [(sent, line.order)]
