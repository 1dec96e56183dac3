"""What a launcher makes of the state that it finds at its start."""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from ota.domain.install.state import Attempt, Slot, State
from ota.domain.states import Phase

MAIN = "manage.py"


def restore(found: State | None, own: Slot, channels: Collection[str]) -> State:
    """The state to go on with; `own` is the code that the Spore was started from this time.

    What runs goes on; of channels that are not accepted any more nothing else is kept at hand.
    """
    if found is None:
        return State(own)

    def anew(slot: Slot | None) -> Slot | None:
        if slot is None or slot.own:
            return slot and own
        return slot if slot.channel in channels else None

    on_trial = found.phase is Phase.TRIAL
    state = replace(
        found,
        active=own if found.active.own else found.active,
        # On trial the one before is the way back, whatever it was signed for.
        previous=anew(found.previous) or (found.previous if on_trial else None),
        pending=anew(found.pending),
    )
    if found.pending and not state.pending:
        state = replace(state, phase=Phase.IDLE, wanted=None)
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
