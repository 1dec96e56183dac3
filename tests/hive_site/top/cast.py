"""A cluster to look at, frozen."""

from datetime import UTC, datetime

from hive_site.top.facts import Facts

AT = datetime(2026, 11, 27, 12, 0, 0, tzinfo=UTC).timestamp()


def node(name="gpu-1", **also):
    told = {
        **{"name": name, "state": "online", "reason": "", "slots": 4, "running": 3},
        **{"cpu": 0.52, "memory": 0.31, "release": "1.2.0"},
        "last_seen": datetime.fromtimestamp(AT - 1, UTC).isoformat(),
    }
    return told | also


def job(name="job_01ABC", **also):
    told = {
        **{"id": name, "task": "articles.summarise", "state": "running", "queue": "background"},
        **{"priority": 5, "total": 200, "running": 6, "succeeded": 80, "failed": 2, "cancelled": 0},
        "started_at": AT - 40,
    }
    return told | also


def facts(**also):
    nodes = also.pop("nodes", [node(), node("gpu-2", running=1, cpu=0.95)])
    cluster = {
        "foreman": {"state": "leading", "holder": "here:1:ab", "epoch": 3, "age": 0.4},
        **{"nodes_online": len(nodes), "nodes_total": len(nodes), "slots": 8},
        **{"active_subtasks": 9, "avg_cpu": 0.73, "avg_memory": 0.31},
        "throughput": {
            **{"succeeded_per_second": 12.5, "failed_per_second": 0.1},
            "retried_per_second": 0.0,
        },
        "queues": {
            "high_priority": {
                **{"depth": 0, "oldest_wait": None, "paused": False, "in": 0.0, "out": 0.0}
            },
            "background": {
                **{"depth": 118, "oldest_wait": 12.0, "paused": False, "in": 3.0, "out": 12.5}
            },
        },
    }
    cluster |= also.pop("cluster", {})
    told = {"at": AT, "nodes": nodes, "jobs": [job()], "rollouts": [], "history": []}
    return Facts(cluster=cluster, **(told | also))


POOL = {
    **{"wanted": 3, "ready": 1, "starting": 2, "draining": 0, "min": 0, "max": 4},
    **{"reason": "the oldest has waited 12 s", "error": ""},
}
ROLLOUT = {
    **{"id": "r1", "release": "1.3.0", "state": "paused", "reason": "wave: 1 of 2 failed"},
    **{"wave": 1, "waves": [{}, {}, {}], "counts": {"done": 1, "failed": 1}},
    "finished_at": None,
}
