"""Spans by OpenTelemetry, sent as OTLP over HTTP. Settings are OpenTelemetry's own (`OTEL_…`)."""

import atexit
import logging
import os
import socket
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import structlog
from django.core.exceptions import ImproperlyConfigured

from hive_site.kernel.last_words import at_last
from hive_site.kernel.tracing import Span, Tracer

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

log = structlog.get_logger()
NANOSECONDS = 1_000_000_000
#: So long a batch is tried, unless one of these says otherwise.
PATIENCE_SECONDS = 3
TIMEOUTS = ("OTEL_EXPORTER_OTLP_TIMEOUT", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT")
#: A collector that is away must not hold up the end of a process.
LAST_WORDS_MILLISECONDS = 2_000


def tracer_of(process: str, *, release: str, node: str = "") -> Callable[[], Tracer]:
    """Opens the tracer of this process: for `tracing.arm`."""

    def open_tracer() -> Tracer:
        about = describe(process, release=release, node=node)
        return OpenTelemetry(about, Calm(_open_exporter()), batch=True)

    return open_tracer


def check_settings() -> None:
    """Raises `ImproperlyConfigured` if OpenTelemetry does not take one of its own variables."""
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    try:
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(BatchSpanProcessor(_open_exporter()))
    except (ValueError, RuntimeError) as error:
        told = f"OpenTelemetry does not take a variable of its own (OTEL_…): {error}"
        raise ImproperlyConfigured(f"HIVE_TRACING=true: {told}") from error
    provider.shutdown()


def _open_exporter() -> "SpanExporter":
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    # Its own lines would be four for every batch, for as long as the collector is away.
    logging.getLogger("opentelemetry.exporter").setLevel(logging.CRITICAL)
    patient = any(os.environ.get(name) for name in TIMEOUTS)
    return OTLPSpanExporter(timeout=None if patient else PATIENCE_SECONDS)


def describe(process: str, *, release: str, node: str = "") -> dict[str, str]:
    """What is said of a process with each of its spans; `OTEL_SERVICE_NAME` names it otherwise."""
    told = {
        "service.name": os.environ.get("OTEL_SERVICE_NAME") or f"hive-{process}",
        "service.namespace": "hive",
        "service.version": release,
        "service.instance.id": f"{node or socket.gethostname()}:{os.getpid()}",
    }
    return {**told, "hive.node": node} if node else told


class Calm:
    """An exporter that says once that nobody takes its spans, and once that somebody does again."""

    def __init__(self, exporter: "SpanExporter") -> None:
        self._exporter, self._away = exporter, False

    def export(self, spans: "Sequence[ReadableSpan]") -> "SpanExportResult":
        """See `SpanExporter.export`."""
        result = self._exporter.export(spans)
        away = result.value != 0
        if away is not self._away:
            log.warning("traces.away" if away else "traces.back", spans=len(spans))
        self._away = away
        return result

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """See `SpanExporter.force_flush`."""
        return self._exporter.force_flush(timeout_millis)

    def shutdown(self) -> None:
        """See `SpanExporter.shutdown`."""
        self._exporter.shutdown()


class OpenTelemetry:
    """Makes spans, and gives them to an exporter."""

    def __init__(
        self, about: dict[str, str], exporter: "SpanExporter | Calm", *, batch: bool = False
    ) -> None:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor

        # Not the global one: that belongs to the tasks and programs that share this process.
        self._provider: TracerProvider = TracerProvider(
            resource=Resource.create(about), shutdown_on_exit=False
        )
        atexit.register(self.close)
        at_last(self.close)
        make = BatchSpanProcessor if batch else SimpleSpanProcessor
        self._provider.add_span_processor(make(exporter))
        self._tracer = self._provider.get_tracer("hive")

    def begin(self, name: str, *, parent: str, at: float | None, facts: dict[str, Any]) -> Span:
        """See `Tracer.begin`. Without a parent: below the span that is open here, if one is."""
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        context = None
        if parent:
            context = TraceContextTextMapPropagator().extract({"traceparent": parent})
        span = self._tracer.start_span(
            name, context, attributes=_attributes(facts), start_time=_nanoseconds(at)
        )
        return _Span(span)

    def close(self) -> None:
        """See `Tracer.close`."""
        atexit.unregister(self.close)
        self._provider.force_flush(LAST_WORDS_MILLISECONDS)
        self._provider.shutdown()


class _Span:
    def __init__(self, span: Any) -> None:
        self._span = span

    @property
    def traceparent(self) -> str:
        context = self._span.get_span_context()
        if not context.trace_flags.sampled:
            return ""
        return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"

    def end(self, *, at: float | None = None, error: str = "", **facts: Any) -> None:
        if error:
            from opentelemetry.trace import Status, StatusCode

            self._span.set_status(Status(StatusCode.ERROR, error))
        self._span.set_attributes(_attributes(facts))
        self._span.end(_nanoseconds(at))


def _attributes(facts: dict[str, Any]) -> dict[str, Any]:
    return {f"hive.{name}": value for name, value in facts.items() if value not in (None, "")}


def _nanoseconds(at: float | None) -> int | None:
    return None if at is None else int(at * NANOSECONDS)
