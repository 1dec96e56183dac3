"""Credentials for new machines."""

from hive_site.kernel.envelope import node_key


class NodeKeys:
    """Gives each its own key, derived here: the fleet key goes nowhere."""

    def __init__(self, fleet_key: str) -> None:
        self._fleet_key = fleet_key

    def make(self, *, pool: str, node: str) -> dict[str, str]:
        """See `Invitations.make`."""
        return {"HIVE_NODE_NAME": node, "HIVE_NODE_KEY": node_key(self._fleet_key, node).hex()}
