"""Who a Spore is: its name, this start of it, its key, and what it offers."""

import platform
import re
import secrets
import socket
from dataclasses import dataclass, field, replace

from hive_site.kernel.envelope import node_key
from hive_site.kernel.errors import Invalid
from nodes.domain.names import NODE_NAME
from nodes.spore.pools import Pool

AGENT_VERSION = "1"


@dataclass(frozen=True, slots=True)
class Identity:
    """What an agent says of itself; `incarnation` changes at every start."""

    name: str
    key: bytes = field(repr=False)
    incarnation: str
    slots: int
    release: str
    labels: dict[str, str] = field(default_factory=dict)
    capabilities: tuple[str, ...] = ()
    platform: str = field(default_factory=platform.platform)

    def reborn(self) -> "Identity":
        """The same Spore in a new incarnation."""
        return replace(self, incarnation=new_incarnation())


def new_incarnation() -> str:
    """A name for one start of a Spore, unique for ever."""
    return secrets.token_hex(8)


def default_name() -> str:
    """The host's name, made fit for a node name."""
    return re.sub(r"[^A-Za-z0-9_-]", "-", socket.gethostname().partition(".")[0])[:48] or "spore"


def check_name(name: str) -> str:
    """The name, or `Invalid` with the rule."""
    if not NODE_NAME.fullmatch(name):
        rule = "give 1 to 48 letters, digits, - and _"
        raise Invalid(f"--name {name!r}: {rule}", field="name")
    return name


def find_key(name: str, *, given: str, fleet_key: str, pool: Pool | None = None) -> bytes:
    """This node's key: given in hexadecimal, or derived from that of its pool or of the fleet.

    Raises `Invalid` if none is known here.
    """
    if given:
        try:
            return bytes.fromhex(given)
        except ValueError:
            reason = "HIVE_NODE_KEY: give the key in hexadecimal"
            raise Invalid(reason, field="HIVE_NODE_KEY") from None
    if pool:
        return pool.key_of(name)
    if not fleet_key:
        raise Invalid(
            f"no key for node {name!r}: set HIVE_NODE_KEY (or HIVE_FLEET_KEY on a trusted machine),"
            " or start the Nexus first with the same HIVE_DATA_DIR",
            field="HIVE_NODE_KEY",
        )
    return node_key(fleet_key, name)


def read_labels(pairs: list[str]) -> dict[str, str]:
    """`k=v` pairs as a dictionary. Raises `Invalid` for anything else."""
    labels = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not name or not equals:
            raise Invalid(f"--label {pair!r}: give key=value", field="label")
        labels[name] = value
    return labels
