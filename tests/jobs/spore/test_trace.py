"""The spans of a bundle on a Spore."""

import pytest

from hive_site.kernel import tracing
from jobs.spore.trace import SLOW_SECONDS, follow
from jobs.wire import Bundle
from tests.hive_site.kernel.spans import PARENT, recorded


@pytest.fixture
def spans():
    with recorded() as spans:
        yield spans


def bundle(*, items: int, traceparent: str = PARENT) -> Bundle:
    return Bundle(
        id="bee-1",
        job="job_1",
        stop_token="job_1.1",
        task="demo.echo",
        total=items,
        timeout=60,
        first=100,
        kwargs={},
        items=[(10 + n, n, 1, n) for n in range(items)],
        gpus=(),
        expires=0.0,
        idempotent=True,
        traceparent=traceparent,
    )


def run(traced, *seconds: float):
    for n, took in enumerate(seconds):
        traced.succeeded(100 + n, took)
    traced.end()


def test_one_item_is_one_span(spans):
    run(follow(bundle(items=1), node="bee"), 2 * SLOW_SECONDS)

    [span] = spans
    assert (span.name, span.parent, span.error) == ("subtask.run", PARENT, "")
    assert span.facts == {
        **{"job": "job_1", "task": "demo.echo", "bundle": "bee-1", "items": 1, "node": "bee"},
        **{"subtask": 10, "index": 0, "attempt": 1},
    }


def test_of_many_items_only_the_slow_ones_have_spans(spans):
    run(follow(bundle(items=4), node="bee"), 0.001, SLOW_SECONDS, 0.002, 0.003)

    slow, whole = spans
    assert (whole.name, whole.parent, whole.facts["items"]) == ("bundle.run", PARENT, 4)
    assert (slow.name, slow.parent, slow.facts["index"]) == ("subtask.run", whole.traceparent, 1)
    assert slow.ended - slow.begun == pytest.approx(SLOW_SECONDS)


def test_what_fails_has_a_span_with_its_kind_and_not_its_words(spans):
    traced = follow(bundle(items=2), node="bee")

    traced.succeeded(100, 0.001)
    error = {"type": "ValueError", "message": "password of ann"}
    traced.failed({"k": "fail", "a": 101, "e": error, "t0": 5.0, "t1": 5.5})
    traced.end()

    failed, whole = spans
    assert (failed.error, failed.facts["index"], whole.error) == ("ValueError", 1, "")
    assert "ann" not in str(failed)


def test_a_single_item_that_fails_marks_its_span(spans):
    traced = follow(bundle(items=1), node="bee")

    traced.failed({"k": "timeout", "a": 100})
    traced.end()

    assert [span.error for span in spans] == ["timeout"]


@pytest.mark.parametrize(
    "traceparent", ["", "nonsense", f"01-{'a' * 32}-{'b' * 16}-01", "00-1-2-3"]
)
def test_a_bundle_without_a_trace_has_none(spans, traceparent):
    assert follow(bundle(items=1, traceparent=traceparent), node="bee") is None
    assert spans == []


def test_nobody_who_traces_nothing_has_spans():
    assert not tracing.is_on()
    assert follow(bundle(items=1), node="bee") is None
