"""What a launcher makes of the state that it finds at its start."""

from dataclasses import replace
from pathlib import Path

from ota.domain.install.state import Attempt, Slot, State
from ota.domain.states import Phase

MAIN = "manage.py"


def restore(found: State | None, own: Slot) -> State:
    """The state to go on with; `own` is the code that the Spore was started from this time."""
    if found is None:
        return State(own)
    state = replace(
        found,
        active=own if found.active.own else found.active,
        previous=own if found.previous and found.previous.own else found.previous,
        pending=own if found.pending and found.pending.own else found.pending,
    )
    missing = _missing(state.active)
    return _without_active(state, missing, own) if missing else state


def _missing(slot: Slot) -> str:
    """What a release cannot be started without, and is not there; empty if nothing is missing."""
    needed = (Path(slot.python), Path(slot.tree) / MAIN)
    return "" if slot.own else next((str(path) for path in needed if not path.exists()), "")


def _without_active(state: State, missing: str, own: Slot) -> State:
    """Run something that is there. The Nexus wants the release still: it is staged anew."""
    before = state.previous if state.previous and not _missing(state.previous) else own
    return replace(
        state,
        active=before,
        previous=None,
        pending=None,
        phase=Phase.IDLE,
        safe=False,
        wanted=None,
        attempt=Attempt(state.active.sha256, "rolled_back", "gone", f"{missing} is not there"),
    )
