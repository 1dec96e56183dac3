"""What an instance that a provider lists is to its pool, by what is known of its node. Pure."""

from dataclasses import dataclass

from nodes.domain.scaling_pictures import Machine, Stage
from nodes.domain.states import PRESENT, WORKING, Intent, NodeState

#: The label that says which pool a node is of; it is started with it.
POOL = "pool"
#: The label of a node that is drained to be removed. Without it a drain is an operator's.
LEAVING = "pool/leaving"
#: States in which a node has its work, or may have it.
AT_WORK = WORKING | {NodeState.SUSPECT}
#: A release proves itself there, or nobody knows how it is.
PINNED = frozenset({NodeState.UPDATING, NodeState.SUSPECT})


@dataclass(frozen=True, slots=True)
class Instance:
    """Something that a provider runs for a pool: its id there, the node that it becomes, since
    when it runs in Unix seconds. One that is `leaving` was told to end."""

    id: str
    node: str
    started_at: float
    leaving: bool = False


@dataclass(frozen=True, slots=True)
class Sight:
    """What is known of an instance's node. `marked`: its drain is ours, and it is to be removed."""

    state: NodeState
    intent: Intent = Intent.WORK
    marked: bool = False
    seen_at: float = 0.0
    busy: int = 0
    share: float = 0.0


def machine_of(instance: Instance, sight: Sight | None, *, now: float) -> Machine:
    """The instance as the policy sees it."""
    if sight is None:
        return Machine(instance.node, Stage.STARTING, _since(instance.started_at, now))
    stage = _stage_of(sight)
    # Whoever was there and is lost may come back, and has as long for it as somebody new.
    lost = sight.state is NodeState.LOST
    since = max(instance.started_at, sight.seen_at) if lost else instance.started_at
    return Machine(
        instance.node,
        stage,
        age=_since(since, now),
        share=0.0 if lost else sight.share,
        pinned=sight.state in PINNED,
    )


def _stage_of(sight: Sight) -> Stage:
    if sight.state is NodeState.LOST:
        return Stage.DRAINED if sight.marked else Stage.STARTING
    if sight.intent is Intent.WORK:
        return Stage.READY if sight.state in AT_WORK else Stage.HELD
    if not (sight.marked and sight.intent is Intent.DRAIN):
        return Stage.HELD
    return Stage.DRAINED if sight.state in PRESENT and not sight.busy else Stage.DRAINING


def _since(at: float, now: float) -> float:
    return max(now - at, 0.0)
