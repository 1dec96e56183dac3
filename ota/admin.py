"""The operator's view of updates."""

from ota.admin_releases import ReleaseAdmin

__all__ = ["ReleaseAdmin"]
