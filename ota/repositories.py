"""Where the Nexus keeps its signed metadata, once there is any."""

from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:
    from ota.trust.repository import Repository


def open_repository() -> "Repository | None":
    """The repository; None as long as nothing was published."""
    folder = settings.HIVE.data / "ota" / "metadata"
    if not folder.is_dir():
        return None
    try:
        from ota.trust.repository import Repository
    except ImportError:
        return None
    return Repository(folder, settings.HIVE.data / "secrets" / "ota")
