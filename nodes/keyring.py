"""The keys of all nodes, as their credentials stand."""

from collections.abc import Mapping
from dataclasses import dataclass

from hive_site.kernel.envelope import Forged, node_key, pool_key, purpose_key


@dataclass(frozen=True, slots=True)
class Standing:
    """How a node's credential stands. Each invitation that is used raises the generation."""

    generation: int = 1
    revoked: bool = False


#: Of a node that never joined by invitation: whoever knows the fleet key can derive its key.
UNINVITED = Standing()


class Revoked(Forged):
    """Whoever uses this name has no key any more."""


class Keyring:
    """What is asked for each message stays in memory; `take` brings it up to date."""

    def __init__(self, fleet_key: str, standings: Mapping[str, Standing] | None = None) -> None:
        self._fleet_key = fleet_key
        self._standings: Mapping[str, Standing] = standings or {}
        self._keys: dict[str, bytes] = {}

    def take(self, standings: Mapping[str, Standing]) -> bool:
        """Go by these from now on; whether anything is new."""
        if standings == self._standings:
            return False
        self._standings = standings
        self._keys.clear()
        return True

    def key_of(self, node: str) -> bytes:
        """The key of a node. Raises `Revoked`."""
        key = self._keys.get(node)
        if key is None:
            key = self._keys[node] = self._derive(node)
        return key

    def pool_key(self, pool: str) -> bytes:
        """The key from which those of a pool's nodes are derived."""
        return pool_key(self._fleet_key, pool)

    def own_key(self, purpose: str) -> bytes:
        """A key for what is nobody's but the Nexus side's."""
        return purpose_key(self._fleet_key, purpose)

    def is_revoked(self, node: str) -> bool:
        """Whether the node has no key any more."""
        return self._standings.get(node, UNINVITED).revoked

    def invited(self) -> list[str]:
        """The nodes that joined by invitation and may stay."""
        return [name for name, each in self._standings.items() if _is_invited(each)]

    def revoked(self) -> list[str]:
        """The nodes that have no key any more."""
        return [name for name, each in self._standings.items() if each.revoked]

    def _derive(self, node: str) -> bytes:
        standing = self._standings.get(node, UNINVITED)
        if standing.revoked:
            raise Revoked(f"node {node} was revoked; `hive invite --name {node}` lets it in again")
        return node_key(self._fleet_key, node, generation=standing.generation)


def _is_invited(standing: Standing) -> bool:
    return standing.generation > 1 and not standing.revoked
