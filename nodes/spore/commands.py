"""How an agent answers what operators call out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nodes.domain.commands import Call, Command, flaw_of

#: What of a heartbeat answers STATUS.
TOLD = (
    *("cpu", "memory", "free_memory_mb", "gpus", "metrics", "slots", "labels", "capabilities"),
    *("release", "agent_version", "platform", "trouble"),
)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a node answers. `ends` says that its Spore shuts down now."""

    ok: bool
    data: dict[str, Any]
    ends: bool = False


def reply_to(
    call: Call,
    *,
    incarnation: str,
    said: Mapping[str, Any],
    uptime_seconds: float,
    managed: bool = False,
) -> Reply:
    """The answer to a call; `said` is the newest heartbeat, `managed` that it has a launcher."""
    if flaw := flaw_of(call, incarnation=incarnation):
        return Reply(False, {"reason": flaw})
    running = len(said["running"])
    match call.command:
        case Command.PING:
            return Reply(True, {"echo": call.data})
        case Command.STATUS:
            told = {name: said[name] for name in TOLD if name in said}
            uptime = round(uptime_seconds, 1)
            return Reply(True, {**told, "running": running, "uptime_seconds": uptime})
        case Command.UPDATE_SYSTEM if managed:
            return Reply(True, {"release": said["release"], "managed": True})
        case Command.UPDATE_SYSTEM:
            return Reply(False, {"reason": "no managed home", "release": said["release"]})
        case Command.SHUTDOWN:
            return Reply(True, {"running": running}, ends=True)
        case Command.DRAIN | Command.RESUME:
            # The Foreman, who places work, learns it from the database.
            return Reply(True, {"running": running})
