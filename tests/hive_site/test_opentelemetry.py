"""Spans by OpenTelemetry itself, exported into memory."""

import pytest
import structlog
from django.core.exceptions import ImproperlyConfigured

pytest.importorskip("opentelemetry.sdk")

from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from hive_site.kernel import tracing
from hive_site.opentelemetry import Calm, OpenTelemetry, check_settings, describe
from tests.hive_site.kernel.spans import PARENT

SUCCESS, FAILURE = SpanExportResult.SUCCESS, SpanExportResult.FAILURE


@pytest.fixture
def exporter():
    exporter = InMemorySpanExporter()
    tracing.arm(lambda: OpenTelemetry(describe("nexus", release="1.2.0"), exporter))
    yield exporter
    tracing.arm(None)


def test_a_trace_goes_from_process_to_process_by_its_text(exporter):
    submit = tracing.begin_trace("job.submit", job="job_1", note="")
    dispatch = tracing.begin("bundle.dispatch", parent=submit.traceparent)
    tracing.tell("subtask.run", parent=dispatch.traceparent, begun=10.0, ended=10.5, error="Bad")
    dispatch.end(items=3)
    submit.end()

    run, sent, submitted = exporter.get_finished_spans()
    assert submitted.parent is None
    assert sent.parent.span_id == submitted.context.span_id
    assert run.parent.span_id == sent.context.span_id
    assert {s.context.trace_id for s in (run, sent)} == {submitted.context.trace_id}
    assert run.end_time - run.start_time == 500_000_000
    assert (run.status.status_code, run.status.description) == (StatusCode.ERROR, "Bad")
    assert dict(submitted.attributes) == {"hive.job": "job_1"}
    assert dict(sent.attributes) == {"hive.items": 3}
    assert tracing.is_traceparent(submit.traceparent)


def test_a_process_says_who_it_is(exporter):
    tracing.begin_trace("job.submit").end()

    told = exporter.get_finished_spans()[0].resource.attributes
    assert (told["service.name"], told["service.version"]) == ("hive-nexus", "1.2.0")


def test_a_spore_says_which_node_it_is(monkeypatch):
    monkeypatch.setenv("OTEL_SERVICE_NAME", "bees")

    told = describe("spore", release="1", node="gpu-1")

    assert (told["service.name"], told["hive.node"]) == ("bees", "gpu-1")
    assert told["service.instance.id"].startswith("gpu-1:")


def test_a_caller_that_is_not_sampled_has_no_trace(exporter):
    with tracing.called_by(f"{PARENT[:-2]}00"):
        span = tracing.begin_trace("job.submit")
    span.end()

    assert span.traceparent == ""
    assert exporter.get_finished_spans() == ()


def test_the_span_that_is_open_in_this_program_is_the_parent(exporter):
    from opentelemetry.sdk.trace import TracerProvider

    with TracerProvider().get_tracer("mine").start_as_current_span("mine") as mine:
        tracing.begin_trace("job.submit").end()

    assert exporter.get_finished_spans()[0].parent.span_id == mine.get_span_context().span_id


def test_what_is_said_at_the_end_is_said_once(exporter):
    tracing.begin_trace("job.submit").end()

    tracing.close()
    tracing.close()

    assert tracing.begin_trace("job.submit") is not None


def test_a_collector_that_is_away_is_told_of_once():
    class Flaky:
        results = [SUCCESS, FAILURE, FAILURE, SUCCESS, FAILURE]

        def export(self, spans):
            return self.results.pop(0)

    calm = Calm(Flaky())

    with structlog.testing.capture_logs() as logs:
        told = [calm.export([1, 2]) for _ in range(5)]

    assert told == [SUCCESS, FAILURE, FAILURE, SUCCESS, FAILURE]
    assert [line["event"] for line in logs] == ["traces.away", "traces.back", "traces.away"]


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("OTEL_BSP_MAX_QUEUE_SIZE", "100", "max_export_batch_size must be less than or equal to"),
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "x", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT must be"),
        ("OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER", "x", "'x' not found"),
    ],
)
def test_a_variable_that_opentelemetry_refuses_is_told_at_the_start(
    monkeypatch, variable, value, told
):
    check_settings()
    monkeypatch.setenv(variable, value)

    with pytest.raises(ImproperlyConfigured, match=f"HIVE_TRACING=true: .*{told}"):
        check_settings()
