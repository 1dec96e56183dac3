"""What operators call out to nodes, and whether a node should listen to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

#: A call that nobody heard for so long is not worth hearing any more.
CALL_TTL_SECONDS = 30


class Command(StrEnum):
    """What can be called out (CONTRACT §6)."""

    PING = "PING"
    STATUS = "STATUS"
    DRAIN = "DRAIN"
    RESUME = "RESUME"
    UPDATE_SYSTEM = "UPDATE_SYSTEM"
    SHUTDOWN = "SHUTDOWN"


#: What ends something is meant for one start of a Spore; its successor must not hear it.
FOR_ONE_START = frozenset({Command.SHUTDOWN})


@dataclass(frozen=True, slots=True)
class Call:
    """A command as one node hears it. `expires` is on Redis's clock, in Unix seconds."""

    id: str
    command: Command
    incarnation: str
    expires: float
    data: dict[str, Any] = field(default_factory=dict)


def read_call(body: Mapping[str, Any], *, node: str) -> Call:
    """The call in a verified message. Raises `ValueError` if it is none for this node."""
    try:
        if body["node"] != node:
            raise ValueError(f"for {body['node']}, not for us")
        return Call(
            id=str(body["id"]),
            command=Command(body["command"]),
            incarnation=str(body["incarnation"]),
            expires=float(body["expires"]),
            data=dict(body["data"]),
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a command: {error!r}") from error


class Heard:
    """Which calls were heard, for as long as they could be repeated."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def take(self, call: Call, *, now: float) -> bool:
        """Whether to listen: not to what is too old, and to nothing twice."""
        self._until = {id_: until for id_, until in self._until.items() if until > now}
        if call.expires <= now or call.id in self._until:
            return False
        # A clock that jumps back makes nothing new again within this time.
        self._until[call.id] = call.expires + CALL_TTL_SECONDS
        return True


def flaw_of(call: Call, *, incarnation: str) -> str:
    """Why this start of a Spore must not do it; empty if it may."""
    if call.command in FOR_ONE_START and call.incarnation != incarnation:
        return "it was meant for an earlier start of this Spore"
    return ""
