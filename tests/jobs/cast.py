"""Work, orders, bundles and nodes for tests, each with defaults for what a test need not say."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from jobs.domain.backlog import Line, Order, Ready
from jobs.domain.flight import Sent
from jobs.domain.retry import Policy
from jobs.wire import bundle_id
from nodes.domain.beats import Beat
from nodes.domain.placement import Demand, Gpu
from nodes.domain.states import NodeState
from nodes.roster import Roster, Seat

NOW = datetime(2030, 1, 31, 12, tzinfo=UTC)
#: The first attempt id of epoch 1.
FIRST = (1 << 32) + 1


def ready(subtask: int = 1, **fields: Any) -> Ready:
    return Ready(**{"subtask": subtask, "index": subtask, "number": 1, "item": "1", **fields})


def order(job: str = "job_a", **fields: Any) -> Order:
    defaults = {
        "job": job,
        "task": "demo.echo",
        "queue": "background",
        "rank": 1,
        "priority": 5,
        "total": 1,
        "timeout": 60.0,
        "kwargs": "{}",
        "reduce": "",
        "policy": Policy(retries=3),
        "demand": Demand(),
        "stop_token": f"{job}.1",
    }
    made = Order(**{**defaults, **fields})
    if made.reduce and not made.reduction:
        made = replace(made, reduction=replace(made, task=made.reduce, kwargs="{}", alone=True))
    return made


def line(job: str = "job_a", *, items: Iterable[Ready] | int = 0, **fields: Any) -> Line:
    """A job's line whose items all lie in its window."""
    work = [ready(n) for n in range(items)] if isinstance(items, int) else list(items)
    since = fields.pop("since", NOW.timestamp())
    made = Line(order(job, total=len(work), **fields), since=since)
    made.ready.extend(work)
    made.remaining, made.exhausted, made.cursor = len(work), True, max(len(work) - 1, 0)
    return made


def bundle(*items: Ready, node: str = "spore-1", first: int = FIRST, **fields: Any) -> Sent:
    defaults = {
        "id": bundle_id(node, first),
        "incarnation": "born-1",
        "job": "job_a",
        "at": NOW.timestamp(),
        "items": list(items or [ready()]),
    }
    return Sent(node=node, first=first, **{**defaults, **fields})


def seat(name: str = "spore-1", *, slots: int = 1, gpus: int = 0, **fields: Any) -> Seat:
    """A node that is there and idle; `gpus` devices of 8 GiB."""
    devices = tuple(Gpu(index, "gpu", 8192, 8192) for index in range(gpus))
    said = {"incarnation": "born-1", "slots": slots, "gpus": devices, "free_memory_mb": 4096}
    both = ("tasks",)  # of a seat: what was looked up; of a heartbeat: only its digest
    said |= {k: fields.pop(k) for k in list(fields) if k in Beat.__slots__ and k not in both}
    return Seat(name, state=fields.pop("state", NodeState.ONLINE), beat=Beat(**said), **fields)


def roster(*seats: Seat, nodes: int = 1, slots: int = 1) -> Roster:
    """These seats, or as many nodes with as many slots each."""
    return Roster(seats or [seat(f"spore-{n}", slots=slots) for n in range(1, nodes + 1)])
