"""What an agent tells of itself and of what its slots do."""

import time
from typing import Any

from nodes.spore.crew import Crew
from nodes.spore.identity import AGENT_VERSION, Identity
from nodes.spore.ward import Ward


def describe_works(crew: Crew, *, offset_seconds: float, now: float) -> dict[str, Any]:
    """What the slots do, for another agent. Redis's clock is `offset_seconds` ahead of ours."""
    works, clock = crew.works(), time.time() + offset_seconds
    return {
        "bundles": [work.bundle for work in works if work.bundle],
        "running": [
            (w.attempt, clock - (now - w.started), w.progress, w.message, w.bundle)
            for w in works
            if w.busy and w.attempt
        ],
        "held_mb": crew.held_mb(),
    }


def compose_beat(
    identity: Identity,
    crew: Crew,
    ward: Ward,
    *,
    said: dict[str, Any],
    offset_seconds: float,
    now: float,
) -> dict[str, Any]:
    """A heartbeat, with what retired agents still run, and how far ahead Redis's clock is."""
    shown = {"ota": ward.shown} if ward.shown else {}
    works = describe_works(crew, offset_seconds=offset_seconds, now=now)
    return {
        **said,
        "metrics": {**said["metrics"], "clock": round(offset_seconds, 1), **shown},
        "slots": crew.wanted,
        "labels": identity.labels,
        "capabilities": list(identity.capabilities),
        "release": identity.release,
        "agent_version": AGENT_VERSION,
        "platform": identity.platform,
        "running": [row[:4] for row in works["running"]] + ward.elders.running(),
        "held_mb": works["held_mb"] + ward.elders.held_mb,
        "elders": len(ward.elders),
    }
