"""The Nexus's signed metadata, once there are any."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ota.trust.repository import Repository


def open_repository() -> "Repository | None":
    """The repository; None as long as nothing was published."""
    # Imports what signs: a Foreman that leads nobody's updates needs none of it at its start.
    from ota.trust import nexus

    repository = nexus.open_repository()
    return repository if repository.exists else None


def find_root() -> str | None:
    """The newest root of trust, as text; None as long as nothing was published."""
    repository = open_repository()
    return repository.root().decode() if repository else None
