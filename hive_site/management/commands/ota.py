"""`manage.py ota …`"""

from hive_site.management.dispatcher import FAILURE, Dispatcher
from ota.domain.trust import Untrusted


class Command(Dispatcher):
    """Updates over the air."""

    help = "Build, sign, publish and roll out releases."
    program, package, metavar = "ota", "ota.commands", "VERB"
    verbs = (
        *("keys", "build", "sign", "publish", "rollout", "status"),
        *("pause", "resume", "promote", "abort", "rollback", "prune"),
    )
    told = (*Dispatcher.told, Untrusted)

    def explain(self, error: Exception) -> tuple[str, int]:
        """What to tell people about an error, and the exit code."""
        if isinstance(error, Untrusted):
            return f"not trusted ({error.code}): {error.reason}", FAILURE
        if isinstance(error, OSError) and error.filename:
            return f"{error.filename}: {error.strerror}", FAILURE
        return super().explain(error)
