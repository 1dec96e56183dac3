"""What a rollout wants of a node, by how far the node is in it."""

from enum import StrEnum

from ota.domain.states import FAILURES, DeploymentState, RolloutState

D, R = DeploymentState, RolloutState


class Wish(StrEnum):
    """What is wanted of a node."""

    #: Whatever was wanted before.
    NOTHING = "nothing"
    #: Bring the release there, beside what runs.
    STAGE = "stage"
    #: Run it.
    ACTIVATE = "activate"
    #: Run what ran before.
    BACK = "back"


def wish_for(state: DeploymentState, rollout: RolloutState) -> Wish:
    """What is wanted of a node in this state. Asked again it is the same: nothing is sent twice."""
    if state in FAILURES or state is D.CANCELED:
        return Wish.BACK
    if state in (D.HEALTHY, D.ACTIVATING):
        return Wish.BACK if rollout is R.ROLLING_BACK else Wish.ACTIVATE
    if state in (D.STAGING, D.STAGED):
        return Wish.STAGE
    if state is D.DEFERRED:
        # Once the others are through nobody needs to wait for its turn.
        over = rollout in (R.SUCCEEDED, R.SUCCEEDED_WITH_ERRORS)
        return Wish.ACTIVATE if over else Wish.STAGE
    return Wish.NOTHING
