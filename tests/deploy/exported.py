"""What `/metrics` exports, by name, with the labels of each."""

import json
import re
import time
from collections.abc import Iterator

from prometheus_client.parser import text_string_to_metric_families

from nodes import wire

NODE = {"name": "spore-1", "state": "online", "release": "1.2.0", "slots": 4, "running": 3}
PICTURE = {
    "foreman": {"holder": "here", "epoch": 3},
    "nodes": [{**NODE, "cpu": 0.5, "memory": 0.25}],
    "queues": {"background": {"depth": 7, "oldest_wait": 1.5, "paused": True}},
    "throughput": {"succeeded_per_second": 9.0, "failed_per_second": 0.5},
    **{"active_subtasks": 4, "slots": 4},
    **{"second_copies": 2, "dropped_reports": 1, "dead_letters": 0},
    "loop": {"count": 5, "sum": 0.25, "buckets": [[0.1, 4]]},
    **{"bundles": 2, "jobs_open": 1},
    "totals": {
        "ended": {"succeeded": 40, "failed": 2},
        **{"retried": 3, "sent": {"background": 45}, "jobs": {"succeeded": 4}},
        "waits": {"background": {"count": 45, "sum": 9.0, "buckets": [[0.1, 40]]}},
    },
    "sends": {"count": 9, "sum": 0.1, "buckets": [[0.1, 9]]},
    "records": {"count": 8, "sum": 0.2, "buckets": [[0.1, 8]]},
    "webhooks": {
        **{"pending": 1, "oldest_seconds": 3.5},
        **{"delivered_last_hour": 6, "failed_last_hour": 1},
    },
    "redis": {
        **{"used_memory": 1_000_000, "maxmemory": 0, "connected_clients": 12},
        **{"blocked_clients": 5, "evicted_keys": 0, "rejected_connections": 0},
        **{"total_commands_processed": 5000, "answer_seconds": 0.0002, "write_failed": False},
    },
    **{"outages": {"redis": 1}, "side_jobs_broken": {"pruner": 1}},
    "updates": [
        {
            **{"id": "r1", "release": "1.3.0", "state": "paused", "reason": "a wave failed"},
            **{"wave": 1, "waves": 3, "nodes": {"done": 2, "failed": 1}},
        }
    ],
    "pools": {
        "cpu": {
            **{
                "wanted": 2,
                "ready": 1,
                "starting": 1,
                "draining": 0,
                "min": 0,
                "max": 4,
                "error": "",
            },
        }
    },
}
#: What Prometheus adds to everything it reads.
ADDED = {"job", "instance"}
SELECTOR = re.compile(r"\b(hive_\w+)(?:\{([^}]*)\})?")
GROUPING = re.compile(r"\bby\s*\(([^)]*)\)")


def read_exported(api, redis) -> dict[str, set[str]]:
    redis.set(wire.SNAPSHOT, json.dumps({"at": time.time(), **PICTURE}))
    text = api.get("/metrics").content.decode()
    return {
        sample.name: set(sample.labels)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def find_unknown(expression: str, exported: dict[str, set[str]]) -> Iterator[str]:
    """What an expression asks for and nobody exports: metrics, and labels of theirs."""
    for name, matchers in SELECTOR.findall(expression):
        if name not in exported:
            yield f"{name} in {expression}"
            continue
        asked = set(re.findall(r"(\w+)\s*[=!]", matchers))
        for group in GROUPING.findall(expression):
            asked |= {label.strip() for label in group.split(",")}
        yield from (
            f"{label} of {name} in {expression}" for label in asked - exported[name] - ADDED
        )
