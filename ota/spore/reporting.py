"""What the Nexus is told of a home, and what a stager said."""

import platform
from collections.abc import Collection
from typing import Any

from ota.domain.install.events import Event, NotStaged, Staged
from ota.domain.install.state import MALFORMED, Attempt, Slot, State, Wanted

LAUNCHER_VERSION = "1"
SCHEMA = 1
ORDERED = ("sha256", "path", "version", "channel", "seq", "size")


def describe(
    state: State, phase: str, channels: tuple[str, ...], fault: str = ""
) -> dict[str, Any]:
    """What the Nexus is told of a home; `fault` keeps it from going on."""
    attempt = state.attempt
    if fault and state.wanted:
        attempt = Attempt(state.wanted.sha256, "failed", "disk", fault)
    return {
        "schema": SCHEMA,
        "rev": state.rev,
        "phase": str(phase),
        "active": _name(state.active),
        "previous": _name(state.previous),
        "staged": _name(state.pending),
        "attempt": attempt
        and {
            "sha256": attempt.sha256,
            "state": attempt.state,
            "step": "",
            "fraction": 0.0,
            "code": attempt.code,
            "reason": attempt.reason,
        },
        "quarantine": [each.sha256 for each in state.quarantine],
        "channels": list(channels),
        "floor": state.floor,
        "python": platform.python_version(),
        "arch": platform.machine(),
        "launcher": LAUNCHER_VERSION,
    }


def compose_request(wanted: Wanted, state: State, needed: Collection[Slot]) -> dict[str, Any]:
    """What a stager is to bring here, and which slots it must leave alone."""
    return {
        "release": {name: getattr(wanted, name) for name in ORDERED},
        "floor": state.floor,
        "keep": [slot.name for slot in needed],
    }


def read_outcome(outcome: dict[str, Any]) -> Event:
    """What became of a run of the stager."""
    try:
        if failed := outcome.get("failed"):
            return NotStaged(failed["code"], failed["reason"], bool(failed["permanent"]))
        done = outcome["done"]
        names = Slot.__dataclass_fields__.keys() - {"name", "task_modules"}
        told = {name: done[name] for name in names}
        return Staged(Slot(name=done["slot"], task_modules=tuple(done["task_modules"]), **told))
    except MALFORMED:
        return NotStaged("stager", "the stager ended without a word", permanent=False)


def _name(slot: Slot | None) -> dict[str, str] | None:
    return {"sha256": slot.sha256, "version": slot.version} if slot else None
