"""Who is updated when: decided once, when a rollout is made, whoever joins later."""

import hashlib
from collections.abc import Iterable, Mapping

from ota.domain.strategies import REST

#: A node with this label, whatever it says, goes first.
CANARY = "canary"


def draw_waves(
    nodes: Mapping[str, Mapping[str, str]],
    *,
    groups: Iterable[str],
    lot: str,
    away: Iterable[str] = (),
) -> list[list[str]]:
    """The names of nodes, wave by wave, from their labels.

    Canaries come first; the rest is a lottery that comes out the same for the same `lot`. Who is
    away comes last: it would hold up who is there. Empty groups are left out.
    """
    absent = set(away)

    def place(name: str) -> tuple[bool, bool, str]:
        ticket = hashlib.sha256(f"{name}{lot}".encode()).hexdigest()
        return name in absent, CANARY not in nodes[name], ticket

    left = sorted(nodes, key=place)
    waves = []
    for group in groups:
        count = min(size_of(group, len(nodes)), len(left))
        if count:
            waves.append(left[:count])
        left = left[count:]
    return waves


def size_of(group: str, whole: int) -> int:
    """How many nodes a group has; a percentage is of the whole, rounded down."""
    if group == REST:
        return whole
    return whole * int(group[:-1]) // 100 if group.endswith("%") else int(group)
