"""The words of updates over the air. `docs/states.md` tells the same in prose."""

from enum import StrEnum


class Channel(StrEnum):
    """Who signs a release: the Nexus itself, or operators on machines of their own."""

    DEV = "dev"
    STABLE = "stable"


class ReleaseState(StrEnum):
    """What may be done with a release."""

    PUBLISHED = "published"
    #: No new rollout takes it; nodes that run it go on.
    YANKED = "yanked"
    #: Its package is gone.
    PURGED = "purged"


class Strategy(StrEnum):
    """How a rollout goes through the nodes (ota/domain/strategies.py)."""

    FAST = "fast"
    CAREFUL = "careful"
    ALL_AT_ONCE = "all-at-once"
    EMERGENCY = "emergency"
    MANUAL = "manual"


class RolloutState(StrEnum):
    """How far a rollout is."""

    DRAFT = "draft"
    RUNNING = "running"
    PAUSED = "paused"
    ABORTING = "aborting"
    ROLLING_BACK = "rolling_back"
    SUCCEEDED = "succeeded"
    SUCCEEDED_WITH_ERRORS = "succeeded_with_errors"
    ABORTED = "aborted"
    ROLLED_BACK = "rolled_back"
    ROLLBACK_INCOMPLETE = "rollback_incomplete"
    SUPERSEDED = "superseded"


#: Those that the Foreman conducts.
ACTIVE_ROLLOUTS = frozenset(
    {
        RolloutState.RUNNING,
        RolloutState.PAUSED,
        RolloutState.ABORTING,
        RolloutState.ROLLING_BACK,
    }
)


class WaveState(StrEnum):
    """How far one group of nodes is."""

    WAITING = "waiting"
    ACTIVATING = "activating"
    BAKING = "baking"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class DeploymentState(StrEnum):
    """How far one node is within a rollout."""

    PENDING = "pending"
    STAGING = "staging"
    STAGED = "staged"
    ACTIVATING = "activating"
    HEALTHY = "healthy"
    SKIPPED = "skipped"
    DEFERRED = "deferred"
    FAILED = "failed"
    ROLLED_BACK = "rolled_back"
    TIMED_OUT = "timed_out"
    CANCELED = "canceled"
    SUPERSEDED = "superseded"


#: Counted as failures.
FAILURES = frozenset(
    {DeploymentState.FAILED, DeploymentState.ROLLED_BACK, DeploymentState.TIMED_OUT}
)


class Phase(StrEnum):
    """Where a node's own state machine is (ota/domain/install.py)."""

    IDLE = "idle"
    #: A stager fetches, unpacks, installs and tries out a release beside the one that runs.
    STAGING = "staging"
    #: A release lies ready, or waits for its turn.
    STAGED = "staged"
    #: The switch was made; the new release has to prove itself.
    TRIAL = "trial"
    #: The new one failed; the one before is being started and has to prove itself.
    ROLLBACK = "rollback"
    #: Neither runs. The launcher alone is there.
    SAFE = "safe"
