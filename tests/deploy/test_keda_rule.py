"""How many slots KEDA is asked for, as Prometheus works it out."""

import json
import shutil
import subprocess

import pytest

from tests.deploy.places import KUBERNETES, documents

[SCALED] = documents(KUBERNETES / "keda" / "scaledobject.yaml")
[TRIGGER] = SCALED["spec"]["triggers"]
QUIET = (0, 0, 0)
OF_QUEUES = ("hive_queue_depth", "hive_queue_oldest_wait_seconds", "hive_queue_paused")


def tell(slots: int, busy: int, *, background: tuple, high_priority: tuple) -> dict[str, int]:
    """What two Nexuses export, each the same."""
    said = {}
    for nexus in ("one", "two"):
        said[f'hive_slots{{instance="{nexus}"}}'] = slots
        said[f'hive_slots_busy{{instance="{nexus}"}}'] = busy
        for queue, values in (("background", background), ("high_priority", high_priority)):
            for name, value in zip(OF_QUEUES, values, strict=True):
                said[f'{name}{{instance="{nexus}",queue="{queue}"}}'] = value
    return said


@pytest.mark.parametrize(
    ("slots", "busy", "background", "high_priority", "asked_for"),
    [
        (4, 0, QUIET, QUIET, 0),
        (4, 3, QUIET, QUIET, 3),  # whoever works stays
        (4, 4, (500, 3, 0), QUIET, 4),  # it waits for a moment only
        (4, 4, (500, 9, 0), QUIET, 8),  # as many again, at most
        (4, 4, (1, 9, 0), QUIET, 5),
        (4, 4, (500, 9, 1), QUIET, 4),  # its queue is paused
        (4, 4, (500, 9, 1), (2, 6, 0), 6),
        (0, 0, QUIET, (7, 8, 0), 2),  # from nothing
    ],
)
def test_spores_follow_the_work(tmp_path, slots, busy, background, high_priority, asked_for):
    promtool = shutil.which("promtool")
    if not promtool:
        pytest.skip("no promtool here")
    said = tell(slots, busy, background=background, high_priority=high_priority)
    expected = {
        "expr": TRIGGER["metadata"]["query"],
        "eval_time": "0s",
        "exp_samples": [{"labels": "{}", "value": asked_for}],
    }
    played = {
        "interval": "15s",
        "input_series": [{"series": name, "values": str(value)} for name, value in said.items()],
        "promql_expr_test": [expected],
    }
    path = tmp_path / "test.json"
    path.write_text(json.dumps({"evaluation_interval": "15s", "tests": [played]}))

    ran = subprocess.run(
        [promtool, "test", "rules", str(path)], capture_output=True, text=True, check=False
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
