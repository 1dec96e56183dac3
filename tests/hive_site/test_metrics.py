"""What Prometheus is told."""

import json
import time

from prometheus_client.parser import text_string_to_metric_families

from nodes import wire
from tests.conftest import client_with

NODE = {"name": "spore-1", "state": "online", "release": "1.2.0", "slots": 4, "running": 3}
PROMETHEUS = "application/openmetrics-text;version=1.0.0;q=0.9,text/plain;version=0.0.4;q=0.8"


def draw(redis, *, age=0.0):
    picture = {
        "at": time.time() - age,
        "foreman": {"holder": "here", "epoch": 3},
        "nodes": [{**NODE, "cpu": 0.5, "memory": 0.25}],
        "queues": {"background": {"depth": 7, "oldest_wait": 1.5, "paused": True}},
        "throughput": {"succeeded_per_second": 9.0, "failed_per_second": 0.5},
        **{"active_subtasks": 4, "slots": 4},
        **{"second_copies": 2, "dropped_reports": 1, "dead_letters": 0},
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
    assert told["hive_subtasks_per_second", "succeeded"] == 9
    assert told["hive_queue_depth", "background"] == 7
    assert told["hive_queue_oldest_wait_seconds", "background"] == 1.5
    assert told["hive_queue_paused", "background"] == 1
    assert told["hive_second_copies_total",] == 2


def test_without_a_foreman_nothing_old_is_told(api, redis):
    nobody = read(api)
    draw(redis, age=60)
    stale = read(api)

    assert nobody == stale == {("hive_foreman_leads",): 0.0}


def test_nobody_reads_them_without_a_key(db, client):
    answer = client.get("/metrics", HTTP_ACCEPT=PROMETHEUS)

    assert (answer.status_code, answer["Content-Type"]) == (401, "application/problem+json")


def test_a_key_needs_the_scope_read(db, redis):
    assert client_with("submit").get("/metrics").status_code == 403
