"""The nodes as plans see them. Hundreds of bundles are placed on a thousand nodes in milliseconds.

Demands that fit the same nodes in the same way share one room. From one plan to the next only
those nodes are rated anew that changed.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from random import Random

from nodes.domain.fitness import Demand, Kind, mismatch, needs, tally
from nodes.domain.placement import (
    DEEPEST,
    Candidate,
    Choice,
    busy,
    charge,
    devices,
    leased,
    nearest,
    rating,
    room,
    score,
    without,
)
from nodes.domain.rooms import Room
from nodes.domain.scoring import Weights

MAX_WHY_CHARS = 200


class Pool:
    """Every node that may be given work, and what it was given so far.

    `absent` tells of nodes that may not, by the reason.
    """

    def __init__(
        self,
        nodes: Iterable[Candidate],
        *,
        weights: Weights,
        random: Random,
        absent: Callable[[], Mapping[str, int]] = dict,
    ) -> None:
        self._nodes = {node.name: node for node in nodes}
        self._weights, self._random, self._absent = weights, random, absent
        self._hosts: dict[str, list[str]] = {}
        self._kinds: dict[int, tuple[Kind, list[str]]] = {}
        for node in self._nodes.values():
            # By identity: equal kinds that are two objects only share less.
            self._kinds.setdefault(id(node.kind), (node.kind, []))[1].append(node.name)
            self._hosts.setdefault(node.host or node.name, []).append(node.name)
        self._rooms: dict[object, Room] = {}
        self._known: dict[Demand, Room] = {}
        #: What was said of rooms; at the end of a plan, many ask about the same one.
        self._told: dict[Room, str] = {}
        #: Who waits for slots that are not kept yet, and which nodes they are to avoid.
        self._waiting: dict[tuple[Demand, frozenset[str]], None] = {}
        #: Whether somebody's means are kept: one at a time, so that the others go on.
        self._keeps = False
        #: The nodes of which something is kept, until the next plan.
        self._kept: set[str] = set()
        self._left = sum(max(room(node, short=DEEPEST), 0) for node in self._nodes.values())
        self.slots = sum(node.slots for node in self._nodes.values())

    def __getitem__(self, name: str) -> Candidate:
        return self._nodes[name]

    @property
    def is_full(self) -> bool:
        """Whether not even the shortest work has room anywhere."""
        return self._left <= 0

    def begin(self) -> set[str]:
        """Another plan: nothing is kept for anybody, and what the last one did not ask for is
        forgotten. Returns the nodes that are to be renewed, because something of them was kept."""
        kept, self._kept, self._keeps = self._kept, set(), False
        self._told.clear()
        self._waiting.clear()
        self._rooms = {key: each for key, each in self._rooms.items() if each.asked}
        self._known = {demand: each for demand, each in self._known.items() if each.asked}
        for each in self._rooms.values():
            each.asked = False
        return kept

    def has(self, nodes: Iterable[Candidate], *, among: Iterable[str]) -> bool:
        """Whether these are all that it has of some names, and none became of another kind."""
        mine = {name: self._nodes[name].kind for name in among if name in self._nodes}
        kinds = {node.name: node.kind for node in nodes}
        # By identity, as the kinds are told apart.
        return mine.keys() == kinds.keys() and all(mine[n] is kinds[n] for n in mine)

    def renew(self, node: Candidate) -> None:
        """What is known of a node by now. It is of the kind, and on the host, that it was."""
        before = self._nodes[node.name]
        self._left -= max(room(before, short=DEEPEST), 0) - max(room(node, short=DEEPEST), 0)
        self.slots += node.slots - before.slots
        self._nodes[node.name] = node
        for each in self._rooms.values():
            if node.name in each.names:
                each.renew(node.name)

    def choose(
        self, demand: Demand, *, avoid: frozenset[str] = frozenset(), apart: bool = False
    ) -> Choice | None:
        """The best node with room, or None.

        Nodes to `avoid` are taken only if no other fits ever, and never with `apart`.
        """
        if self._waiting:
            self._keep_places(demand.short)
        fit = self._room(demand)
        if not apart and fit.names <= avoid:
            avoid = frozenset()
        name = fit.pick(self._random, avoid)
        if name is None:
            return None
        node = self._nodes[name]
        gpus, value = devices(node, demand), score(node, self._weights)
        return Choice(name, gpus, value, self._why(node, demand, len(fit.names), gpus, value))

    def charge(self, choice: Choice, demand: Demand) -> None:
        """The bundle goes there."""
        before = self._nodes[choice.node]
        after = charge(before, choice, demand)
        self._left -= max(room(before, short=DEEPEST), 0) - max(room(after, short=DEEPEST), 0)
        self._nodes[choice.node] = after
        taken = leased(before, choice)
        for name in self._hosts[before.host or before.name]:
            if name != choice.node:
                self._nodes[name] = without(self._nodes[name], taken, demand.memory_mb)

    def keep_places(self, demand: Demand, *, avoid: frozenset[str] = frozenset()) -> None:
        """Queue nothing deeper behind slots for which this waits, whose turn it is, than it may
        itself.

        Else the next shorter bundle would always be there first, and work that may not lie as deep
        would never find room.
        """
        self._waiting[demand, avoid] = None

    def _keep_places(self, short: int) -> None:
        """Now that somebody asks who may lie deeper: before that, it would be for nothing."""
        for demand, avoid in [each for each in self._waiting if each[0].short < short]:
            del self._waiting[demand, avoid]
            fit = self._room(demand).names
            for name in fit - avoid or fit:
                self._keep_place(self._nodes[name], demand)

    def _keep_place(self, node: Candidate, demand: Demand) -> None:
        waits = room(node, short=demand.short) <= 0 and node.long < node.slots
        if waits and demand.short < node.depth and not busy(replace(node, sent=0), demand):
            kept = replace(node, depth=demand.short)
            self._left -= max(room(node, short=DEEPEST), 0) - max(room(kept, short=DEEPEST), 0)
            self._nodes[node.name] = kept
            self._kept.add(node.name)

    def keep_means(self, demand: Demand, *, avoid: frozenset[str] = frozenset()) -> None:
        """Give away nothing more of what one machine has free of the memory and devices that this
        needs, whose turn it is.

        Else smaller work would always be there first. It is the machine that lacks least, so that
        the next plan comes upon the same one.
        """
        fit = self._room(demand).names
        if self._keeps or not (demand.memory_mb or demand.gpu):
            return
        node = nearest((self._nodes[name] for name in fit - avoid or fit), demand)
        if node is None:
            return
        self._keeps = True
        # Not more than it will take: it may wait for one of them while there is much of the other.
        mine = devices(node, demand)
        gpus = frozenset(gpu.device for gpu in node.free_gpus if gpu.index in mine)
        memory_mb = min(node.free_memory_mb, demand.memory_mb)
        for name in self._hosts[node.host or node.name]:
            self._nodes[name] = replace(self._nodes[name], kept_gpus=gpus, kept_mb=memory_mb)
            self._kept.add(name)

    def idle_slots(self, demand: Demand, *, besides: str) -> int:
        """How many idle slots other nodes have for this."""
        nodes = (self._nodes[name] for name in self._room(demand).names if name != besides)
        return sum(max(n.slots - n.sent, 0) for n in nodes if not busy(n, demand))

    def fits_somewhere(self, demand: Demand) -> bool:
        """Whether some node could run this, busy or not."""
        return bool(self._room(demand).names)

    def why_not(self, demand: Demand) -> str:
        """Why this is placed nowhere, in one line for people."""
        fit = self._room(demand)
        if fit.names:
            if fit not in self._told:
                reasons = [busy(self._nodes[name], demand) for name in fit.names]
                taken = tally(reason or "is to be avoided" for reason in reasons)
                self._told[fit] = f"every node that fits is busy ({_count(fit.names)}: {taken})"
            return self._told[fit]
        reasons = list(Counter(self._absent()).elements())
        for kind, names in self._kinds.values():
            reason = mismatch(kind, demand)
            reasons += [reason or "is to be avoided" for _ in names]
        if not reasons:
            return "no node is online"
        wanted = " and ".join(needs(demand))
        head = f"no node has {wanted}" if wanted else "no node fits"
        return f"{head} ({_count(reasons)}: {tally(reasons)})"

    def _room(self, demand: Demand) -> Room:
        if demand not in self._known:
            self._known[demand] = self._find_room(demand)
        found = self._known[demand]
        found.asked = True
        return found

    def _find_room(self, demand: Demand) -> Room:
        fit = [names for kind, names in self._kinds.values() if not mismatch(kind, demand)]
        # All that decides which nodes fit, how they are rated, and which are full.
        how = (demand.avoid, demand.short, demand.memory_mb, demand.gpu, demand.gpu_memory_mb)
        key = (*how, *map(id, fit))
        if key not in self._rooms:
            names = (name for group in fit for name in group if name not in demand.avoid)
            self._rooms[key] = Room(names, lambda name: self._rate(name, demand))
        return self._rooms[key]

    def _rate(self, name: str, demand: Demand) -> float | None:
        node = self._nodes[name]
        return None if busy(node, demand) else rating(node, demand, self._weights)

    def _why(
        self, node: Candidate, demand: Demand, fit: int, gpus: tuple[int, ...], value: float
    ) -> str:
        parts = [f"gpu {','.join(map(str, gpus))}"] if gpus else []
        if fit == 1:
            wanted = ", ".join(needs(demand))
            parts.append(f"the only one with {wanted}" if wanted else "the only one that fits")
        else:
            loads = f"cpu {node.cpu:.2f}, memory {node.memory:.2f}"
            tasks = f"tasks {node.sent}/{node.slots}"
            best = f"best of {fit} that fit"
            parts.append(f"{best}: score {value:.2f} ({loads}, {tasks})")
        return "; ".join(parts)[:MAX_WHY_CHARS]


def _count(nodes: Iterable[object]) -> str:
    count = len(list(nodes))
    return f"{count} node{'' if count == 1 else 's'}"
