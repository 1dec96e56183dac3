"""What nodes may call themselves, and with which keys: the database's word on it."""

from django.conf import settings

from hive_site.kernel.prepared import Prepared
from nodes.joining_models import NodeCredential
from nodes.keyring import Keyring, Standing

FIELDS = ("name", "generation", "revoked_at")
OF_NODE = Prepared(
    lambda name: NodeCredential.objects.filter(name=name).order_by("pk").values_list(*FIELDS), str
)


def load_standings() -> dict[str, Standing]:
    """How every credential stands; nodes without one are as they always were."""
    rows = NodeCredential.objects.values_list(*FIELDS)
    return {
        name: Standing(generation, revoked_at is not None) for name, generation, revoked_at in rows
    }


def load_keyring() -> Keyring:
    """The keys of all nodes, as they are now."""
    return Keyring(settings.HIVE_FLEET_KEY, load_standings())


def key_of(node: str) -> bytes:
    """The key of one node, as it is now. Raises `Revoked`."""
    rows = OF_NODE.all(node)
    standings = {name: Standing(number, at is not None) for name, number, at in rows}
    return Keyring(settings.HIVE_FLEET_KEY, standings).key_of(node)
