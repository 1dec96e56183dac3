"""What becomes of nodes, told from one look at them to the next. Pure."""

from enum import StrEnum
from typing import NamedTuple

from nodes.domain.states import NodeState


class What(StrEnum):
    """The words for it."""

    JOINED = "joined"
    SUSPECT = "suspect"
    LOST = "lost"
    BACK = "back"
    RESTARTED = "restarted"
    DRAINING = "draining"
    CORDONED = "cordoned"
    RESUMED = "resumed"
    QUARANTINED = "quarantined"
    UPDATING = "updating"
    UPDATED = "updated"
    RELEASE = "release"
    FORGOTTEN = "forgotten"


class Look(NamedTuple):
    """What a look at a node found."""

    state: NodeState
    incarnation: str = ""
    release: str = ""


class Happening(NamedTuple):
    """One thing that became of a node, and why."""

    what: What
    reason: str = ""


AWAY = frozenset({NodeState.LOST, NodeState.SUSPECT})
ASKED_FOR = frozenset({What.DRAINING, What.CORDONED})


def compare(before: Look | None, after: Look | None, *, reason: str = "") -> list[Happening]:
    """What happened between two looks, in order; `reason` is that of the state it has now."""
    if after is None:
        return [Happening(What.FORGOTTEN, "its operator deleted it")]
    if before is None:
        joined = Happening(What.JOINED, f"release {after.release}" if after.release else "")
        return [joined, *_as(after.state, reason)]
    found = []
    if after.state != before.state:
        found += _moved(before.state, after, reason)
    elif after.state != NodeState.LOST and _differ(before.incarnation, after.incarnation):
        found.append(Happening(What.RESTARTED, "it started anew"))
    if _differ(before.release, after.release):
        found.append(Happening(What.RELEASE, f"{before.release} → {after.release}"))
    return found


def _moved(was: NodeState, after: Look, reason: str) -> list[Happening]:
    if was in AWAY and after.state not in AWAY:
        return [Happening(What.BACK), *_as(after.state, reason)]
    if after.state != NodeState.ONLINE:
        return _as(after.state, reason)
    if was == NodeState.UPDATING:
        return [Happening(What.UPDATED, f"release {after.release} has proved itself")]
    return [Happening(What.RESUMED, reason)]


def _as(state: NodeState, reason: str) -> list[Happening]:
    """A state that is worth a word."""
    if state == NodeState.ONLINE:
        return []
    what = What(state.value)
    return [Happening(what, reason or ("its operator asked for it" if what in ASKED_FOR else ""))]


def _differ(before: str, after: str) -> bool:
    """Whether both are known, and are not the same."""
    return bool(before and after and before != after)
