"""A Hive that is watched: one trace through its processes, faults told, logs that programs read."""

import json

import pytest
import urllib3
from prometheus_client.parser import text_string_to_metric_families

pytest.importorskip("opentelemetry.sdk")
pytest.importorskip("sentry_sdk")

from tests.end_to_end.colony import Colony, until
from tests.hive_site.collector import collecting
from tests.hive_site.ingest import ingesting

pytestmark = pytest.mark.processes
CALLER = f"00-{'c' * 32}-{'d' * 16}-01"


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    with collecting() as collector, ingesting() as ingest:
        colony = Colony(
            tmp_path_factory.mktemp("watched"),
            spores=1,
            slots=1,
            HIVE_TRACING="true",
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
            OTEL_BSP_SCHEDULE_DELAY="100",
            SENTRY_DSN=ingest.dsn,
            HIVE_LOG_FORMAT="json",
            HIVE_TASK_MODULES="tests.end_to_end.watched_tasks",
        )
        colony.collector, colony.ingest = collector, ingest
        yield colony
        colony.stop()


def spans_of(watched, job, *, at_least):
    def found():
        spans = [s for s in watched.collector.spans if s.facts.get("hive.job") == job]
        return spans if {s.name for s in spans} >= at_least else None

    return until(found, what=f"{at_least}; there are {watched.collector.spans}")


def test_one_trace_goes_through_all_processes(watched):
    wish = {"task": "watched.nap", "items": [0.01]}
    answer = watched.hive._ask(
        "POST", "jobs/", json.dumps(wish).encode(), {"traceparent": CALLER, "X-Request-ID": "ann-1"}
    )
    job = json.loads(answer.data)["id"]
    watched.hive.wait(job, 30)

    names = {"job.submit", "bundle.dispatch", "subtask.run", "subtask.record", "job.finish"}
    spans = {span.name: span for span in spans_of(watched, job, at_least=names)}

    submit, dispatch = spans["job.submit"], spans["bundle.dispatch"]
    run, record, finish = spans["subtask.run"], spans["subtask.record"], spans["job.finish"]
    assert {span.trace for span in spans.values()} == {"c" * 32}
    assert submit.parent == "d" * 16
    assert dispatch.parent == finish.parent == submit.id
    assert run.parent == dispatch.id
    assert record.parent == run.id
    assert [s.service for s in (submit, dispatch, run, record, finish)] == [
        *("hive-nexus", "hive-foreman", "hive-spore", "hive-foreman", "hive-foreman"),
    ]
    assert run.ended - run.begun >= 10_000_000
    assert answer.headers["X-Request-ID"] == "ann-1"


def test_of_a_bundle_the_items_that_fail_are_told(watched):
    job = watched.hive.submit("watched.refuse", [1])["id"]
    watched.hive.wait(job, 30)

    spans = {s.name: s for s in spans_of(watched, job, at_least={"subtask.run", "job.finish"})}

    assert spans["job.finish"].facts["hive.state"] == "failed"
    assert "no use" not in str(watched.collector.spans)


def test_a_fault_is_told_and_what_a_task_raises_never(watched):
    events = until(watched.ingest.events, what="an event")

    assert {event["tags"]["process"] for event in events} == {"foreman"}
    assert {event["exception"]["values"][-1]["type"] for event in events} == {"RuntimeError"}
    assert "hunter22" not in json.dumps(events)


def test_what_happened_is_counted(watched):
    def told():
        headers = {"Authorization": f"Bearer {watched.stack.ready['api_key']}"}
        answer = urllib3.request("GET", f"{watched.stack.ready['nexus']}/metrics", headers=headers)
        families = text_string_to_metric_families(answer.data.decode())
        found = {s.name: s.value for family in families for s in family.samples}
        return (
            found if found["hive_jobs_ended_total"] and found["hive_record_seconds_count"] else {}
        )

    counted = until(told, what="a picture with what ended")

    assert counted["hive_dispatch_seconds_count"] >= 1
    assert counted["hive_queue_wait_seconds_count"] >= 1
    assert counted["hive_redis_memory_bytes"] > 0
    assert counted["hive_redis_answer_seconds"] > 0


def test_a_terminal_shows_the_same_from_beside_and_from_afar(watched):
    key = watched.stack.ready["api_key"]

    beside = watched.manage("hive", "top", "--once")
    afar = watched.manage("hive", "top", "--json", HIVE_API_KEY=key)

    assert (beside.returncode, afar.returncode) == (0, 0), beside.stderr + afar.stderr
    assert "spore-1" in beside.stdout
    assert [node["name"] for node in json.loads(afar.stdout)["nodes"]] == ["spore-1"]


def test_every_line_of_every_process_is_json(watched):
    # Redis itself is no process of ours.
    logs = [log for log in watched.stack.logs.glob("*.log") if log.stem != "redis"]
    lines = [line for log in logs for line in log.read_text().splitlines()]

    told = [json.loads(line) for line in lines]

    assert {each["process"] for each in told} >= {"foreman", "launcher", "spore"}
    assert all({"timestamp", "level", "event"} <= each.keys() for each in told)
    assert any(each["event"] == "spore.starts" and each["node"] == "spore-1" for each in told)
    assert "hunter22" not in "".join(lines)
