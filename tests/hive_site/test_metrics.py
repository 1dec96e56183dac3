"""What Prometheus is told."""

import json
import re
import time

from prometheus_client.parser import text_string_to_metric_families

from nodes import wire
from nodes.domain.liveness import REVOKED
from tests.conftest import client_with
from tests.deploy.exported import PICTURE

NODE = {"name": "spore-1", "state": "online", "release": "1.2.0", "slots": 4, "running": 3}
PROMETHEUS = "application/openmetrics-text;version=1.0.0;q=0.9,text/plain;version=0.0.4;q=0.8"


def draw(redis, *, age=0.0, copies=1):
    picture = {
        "at": time.time() - age,
        "foreman": {"holder": "here", "epoch": 3},
        "nodes": [{**NODE, "cpu": 0.5, "memory": 0.25}] * copies,
        "queues": {"background": {"depth": 7, "oldest_wait": 1.5, "paused": True}},
        "throughput": {"succeeded_per_second": 9.0, "failed_per_second": 0.5},
        **{"active_subtasks": 4, "slots": 4},
        **{"second_copies": 2, "dropped_reports": 1, "dead_letters": 0},
        "loop": {"count": 5, "sum": 0.25, "buckets": [[0.001, 1], [0.1, 4]]},
    }
    redis.set(wire.SNAPSHOT, json.dumps(picture))


def read(client):
    answer = client.get("/metrics", HTTP_ACCEPT=PROMETHEUS)
    assert (answer.status_code, answer["Content-Type"][:24]) == (200, "text/plain; version=0.0.")
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.content.decode())
        for sample in family.samples
    }


def test_a_node_that_went_on_purpose_is_told_from_one_that_is_gone(api, redis):
    draw(redis)
    picture = json.loads(redis.get(wire.SNAPSHOT))
    lost = {**picture["nodes"][0], "state": "lost"}
    reasons = {"one": "shut down", "two": "not heard of for 10 s", "three": "", "four": REVOKED}
    picture["nodes"] = [{**lost, "name": name, "reason": why} for name, why in reasons.items()]
    redis.set(wire.SNAPSHOT, json.dumps(picture))

    told = read(api)

    assert (told["hive_nodes", "lost"], told["hive_nodes_shut_down",]) == (4, 2)


def test_prometheus_reads_the_foremans_picture(api, redis):
    draw(redis)

    told = read(api)

    assert told["hive_foreman_leads",] == 1
    assert told["hive_foreman_epoch",] == 3
    assert told["hive_snapshot_age_seconds",] >= 0
    assert (told["hive_nodes", "online"], told["hive_nodes", "lost"]) == (1, 0)
    assert told["hive_node_info", "spore-1", "1.2.0"] == 1
    assert (told["hive_node_slots", "spore-1"], told["hive_node_running", "spore-1"]) == (4, 3)
    assert told["hive_node_cpu_ratio", "spore-1"] == 0.5
    assert told["hive_node_memory_ratio", "spore-1"] == 0.25
    assert (told["hive_active_subtasks",], told["hive_slots",]) == (4, 4)
    assert told["hive_slots_busy",] == 3
    assert told["hive_subtasks_per_second", "succeeded"] == 9
    assert told["hive_queue_depth", "background"] == 7
    assert told["hive_queue_oldest_wait_seconds", "background"] == 1.5
    assert told["hive_queue_paused", "background"] == 1
    assert told["hive_second_copies_total",] == 2
    assert told["hive_foreman_loop_seconds_bucket", "0.1"] == 4
    assert told["hive_foreman_loop_seconds_bucket", "+Inf"] == 5
    assert told["hive_foreman_loop_seconds_sum",] == 0.25


def test_a_node_is_told_once_even_if_it_is_drawn_twice(api, redis):
    draw(redis, copies=2)

    lines = api.get("/metrics").content.decode().splitlines()

    assert len(lines) == len(set(lines))
    assert "hive_slots_busy 3.0" in lines


def test_without_a_foreman_nothing_old_is_told(api, redis):
    nobody = read(api)
    draw(redis, age=60)
    stale = read(api)

    for told in (nobody, stale):
        # But for what this process says of itself.
        of_hive = {name: value for name, value in told.items() if name[0].startswith("hive_")}
        assert of_hive == {("hive_foreman_leads",): 0.0, ("hive_build_info", "0.1.0"): 1.0}
        assert told["process_resident_memory_bytes",] > 0


def test_nobody_reads_them_without_a_key(db, client):
    answer = client.get("/metrics", HTTP_ACCEPT=PROMETHEUS)

    assert (answer.status_code, answer["Content-Type"]) == (401, "application/problem+json")


def test_a_key_needs_the_scope_read(db, redis):
    assert client_with("submit").get("/metrics").status_code == 403


def test_everything_is_told_by_the_rules_of_prometheus(api, redis):
    redis.set(wire.SNAPSHOT, json.dumps({"at": time.time(), **PICTURE}))
    text = api.get("/metrics").content.decode()

    families = list(text_string_to_metric_families(text))

    ours = [family for family in families if family.name.startswith("hive_")]
    assert len(ours) > 50
    for family in ours:
        assert re.fullmatch(r"hive_[a-z]+(_[a-z0-9]+)*", family.name), family.name
        assert family.documentation, family.name
        assert not family.documentation.endswith("."), family.name
        assert family.type in {"gauge", "counter", "histogram"}, family.name
        # Units are base units, and in the name.
        assert not re.search(r"_(ms|millis|minutes|hours|kb|mb|percent)(_|$)", family.name)
        if family.type != "counter":
            assert not family.name.endswith(("_total", "_count", "_sum", "_bucket"))
    names = [
        (sample.name, tuple(sorted(sample.labels.items()))) for f in ours for sample in f.samples
    ]
    assert len(names) == len(set(names))


def test_an_earlier_foreman_that_draws_less_is_told_as_well(api, redis):
    draw(redis)

    told = read(api)

    assert ("hive_redis_memory_bytes",) not in told
    assert told["hive_foreman_outages_total", "database"] == 0


def test_work_services_and_pools_are_told(api, redis):
    redis.set(wire.SNAPSHOT, json.dumps({"at": time.time(), **PICTURE}))

    told = read(api)

    assert told["hive_subtasks_ended_total", "succeeded"] == 40
    assert told["hive_subtasks_retried_total",] == 3
    assert told["hive_subtasks_sent_total", "background"] == 45
    assert (
        told["hive_jobs_ended_total", "succeeded"],
        told["hive_jobs_ended_total", "failed"],
    ) == (4, 0)
    assert told["hive_queue_wait_seconds_bucket", "0.1", "background"] == 40
    assert told["hive_queue_wait_seconds_count", "background"] == 45
    assert told["hive_dispatch_seconds_count",] == 9
    assert told["hive_record_seconds_sum",] == 0.2
    assert told["hive_bundles_in_flight",] == 2
    assert told["hive_webhooks_last_hour", "failed"] == 1
    assert told["hive_redis_memory_bytes",] == 1_000_000
    assert told["hive_redis_write_failed",] == 0
    assert told["hive_foreman_outages_total", "redis"] == 1
    assert told["hive_side_jobs_broken_total", "pruner"] == 1
    assert told["hive_rollout_paused", "1.3.0", "r1"] == 1
    assert told["hive_rollout_nodes", "1.3.0", "r1", "failed"] == 1
    assert (told["hive_pool_wanted_nodes", "cpu"], told["hive_pool_max_nodes", "cpu"]) == (2, 4)
