"""The states of a node and who may change them. `docs/states.md` tells the same in prose."""

from enum import StrEnum


class NodeState(StrEnum):
    """What the Foreman thinks of a node."""

    ONLINE = "online"
    SUSPECT = "suspect"
    DRAINING = "draining"
    CORDONED = "cordoned"
    UPDATING = "updating"
    QUARANTINED = "quarantined"
    LOST = "lost"


#: What an operator asked for; it outlives deaths and returns of the node.
class Intent(StrEnum):
    """Whether a node may be given new work."""

    WORK = "work"
    DRAIN = "drain"
    CORDON = "cordon"


#: How a living node is called, by what its operator asked for.
ALIVE_AS = {
    Intent.WORK: NodeState.ONLINE,
    Intent.DRAIN: NodeState.DRAINING,
    Intent.CORDON: NodeState.CORDONED,
}
#: States in which a node may be given new work: a release is proved by working, too.
WORKING = frozenset({NodeState.ONLINE, NodeState.UPDATING})
#: States in which a node is there and answers.
PRESENT = frozenset({NodeState.ONLINE, NodeState.DRAINING, NodeState.CORDONED, NodeState.UPDATING})
