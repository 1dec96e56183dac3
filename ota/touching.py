"""How many nodes a verb of a rollout would touch, in words."""

from collections import Counter
from collections.abc import Collection

from ota.domain.states import FAILURES, DeploymentState
from ota.domain.view import BEFORE_SWITCH
from ota.models import Deployment, Rollout

D = DeploymentState
RUNS_IT = (D.HEALTHY, D.ACTIVATING)


def tell_touched(rollout: Rollout, verb: str) -> str:
    """What becomes of the nodes of a rollout if `verb` is done to it now."""
    rows = Deployment.objects.filter(rollout=rollout).values_list("wave", "state")
    nodes = Counter((wave, DeploymentState(state)) for wave, state in rows)
    before = _count(nodes, BEFORE_SWITCH)
    match verb:
        case "start":
            first = _count_wave(nodes, 0)
            return f"Preparing at once: {_nodes(before)}. Switching first: {_nodes(first)}."
        case "pause":
            return f"Not switched yet, and waiting: {_nodes(before)}."
        case "resume":
            again = _count(nodes, FAILURES)
            return f"Still to switch: {_nodes(before)}. Failed, and tried again: {_nodes(again)}."
        case "promote":
            coming = _count_wave(nodes, rollout.wave + 1)
            return f"Switching in wave {rollout.wave + 2}: {_nodes(coming)}."
        case "abort":
            going = _count(nodes, {D.ACTIVATING})
            return f"Left as they are: {_nodes(before)}. Switching to the end: {_nodes(going)}."
        case "rollback":
            back = _count(nodes, RUNS_IT)
            return f"Going back to what they ran before, all at once: {_nodes(back)}."
    return ""


def _count(nodes: Counter[tuple[int, DeploymentState]], states: Collection[DeploymentState]) -> int:
    return sum(count for (_, state), count in nodes.items() if state in states)


def _count_wave(nodes: Counter[tuple[int, DeploymentState]], index: int) -> int:
    return sum(count for (wave, _), count in nodes.items() if wave == index)


def _nodes(count: int) -> str:
    return "1 node" if count == 1 else f"{count:,} nodes"
