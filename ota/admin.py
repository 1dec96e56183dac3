"""The operator's view of updates."""

from ota.admin_releases import ReleaseAdmin
from ota.admin_rollouts import HomeAdmin, OtaEventAdmin, RolloutAdmin

__all__ = ["HomeAdmin", "OtaEventAdmin", "ReleaseAdmin", "RolloutAdmin"]
