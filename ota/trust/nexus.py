"""Where the Nexus of this machine keeps its metadata and keys, and operators' commands theirs."""

from pathlib import Path

from django.conf import settings

from hive_site.kernel.env import Env
from ota.trust.desk import Desk
from ota.trust.keyring import PASSPHRASE
from ota.trust.repository import Repository


def open_repository() -> Repository:
    """The repository in this machine's data directory; there may be nothing in it yet."""
    data = settings.HIVE.data
    return Repository(data / "ota" / "metadata", data / "secrets" / "ota")


def open_desk(folder: str, *, alone: bool = False) -> Desk:
    """An operator's directory; `alone` if its Nexus is on another machine for certain."""
    nexus, path = open_repository(), Path(folder).expanduser()
    # The Nexus opens its own keys without a passphrase.
    own = path.absolute() == nexus.keys.folder.absolute()
    return Desk(path, "" if own else Env().text(PASSPHRASE), None if alone else nexus)
