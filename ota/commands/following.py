"""Waiting for a rollout in front of a terminal, or in a script: a line for each change."""

import sys
import time
from collections.abc import Callable
from typing import Any, TextIO

from ota.domain.states import RolloutState
from ota.domain.view import FINAL

LOOK_EVERY_SECONDS = 0.5
FOREMAN = "foreman"
#: Only a person gets it going again.
STANDING = frozenset({*FINAL, RolloutState.PAUSED, RolloutState.DRAFT})


def follow(
    rollout_id: str,
    seconds: float,
    *,
    rest: Callable[[float], None] = time.sleep,
    out: TextIO | None = None,
) -> dict[str, Any]:
    """The rollout as it is when it stands still, or after so many seconds.

    Ctrl-C says that it goes on all the same; then `KeyboardInterrupt`.
    """
    from ota.selectors import rollout_view

    out, end, seen = out or sys.stderr, time.monotonic() + seconds, dict[str, str]()
    try:
        while True:
            view = rollout_view(rollout_id)
            for line in changes(view, seen, who_leads=who_leads()):
                print(line, file=out, flush=True)
            left = end - time.monotonic()
            if view["state"] in STANDING or left <= 0:
                return view
            rest(min(LOOK_EVERY_SECONDS, left))
    except KeyboardInterrupt:
        print(
            f"\n{rollout_id} goes on. Stop it: manage.py ota pause {rollout_id}, "
            f"or end it: manage.py ota abort {rollout_id}",
            file=out,
            flush=True,
        )
        raise


def changes(view: dict[str, Any], seen: dict[str, str], *, who_leads: str = "") -> list[str]:
    """A line for each thing that is another one than in `seen`, which is brought up to date."""
    now = {view["id"]: _say(view["state"], view["reason"])}
    if who_leads or FOREMAN in seen:
        now[FOREMAN] = who_leads or "leads again"
    now |= {f"wave {one['index'] + 1}": one["state"] for one in view["waves"]}
    now |= {node["node"]: _say(node["state"], node["reason"]) for node in view["nodes"]}
    lines = [f"{name}: {said}" for name, said in now.items() if seen.get(name) != said]
    seen.update(now)
    return lines


def who_leads() -> str:
    """That nobody conducts rollouts just now, and the way out; empty if somebody does."""
    from django.utils import timezone

    from hive_site.kernel.redis import RedisError
    from nodes.inbox import hurried_client
    from nodes.models import Lease

    now = timezone.now()
    if not Lease.objects.filter(expires_at__gte=now).exclude(holder="").exists():
        return "none leads, so nothing moves; start one: manage.py foreman"
    try:
        hurried_client().ping()
    except (RedisError, OSError):
        return "waits for Redis, which is away; it goes on by itself when that is back"
    return ""


def _say(state: str, reason: str) -> str:
    return f"{state} ({reason})" if reason else state
