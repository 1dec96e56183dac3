"""Nodes that joined after their cluster was updated: they come up to where the others are."""

from datetime import datetime

from django.db.models import QuerySet

from nodes.roster import Roster
from ota.domain.states import ACTIVE_ROLLOUTS, ReleaseState, RolloutState
from ota.domain.strategies import Terms
from ota.models import Deployment, Home, OtaEvent, Rollout
from ota.services.planning import fits, takes_channel
from ota.wishing import Wanted, want

#: What may have fitted them last.
REMEMBERED = 50
DONE = (RolloutState.SUCCEEDED, RolloutState.SUCCEEDED_WITH_ERRORS)


def unled() -> QuerySet[Home]:
    """Homes that are there, and of which nothing was ever wanted."""
    return Home.objects.filter(wanted=None, wanted_own=False, reported_at__isnull=False)


def catch_up(roster: Roster, now: datetime) -> set[str]:
    """Want of nodes of which nothing was ever wanted what the newest rollout that fits them
    brought to the others; who they are. For the one who leads, inside of a transaction."""
    busy = Deployment.objects.filter(open=True).values("node")
    homes = [home for home in unled().exclude(node__in=busy) if home.node in roster]
    if not homes:
        return set()
    # Whoever fits one that is under way waits for what becomes of it.
    rows = Rollout.objects.filter(state__in=[*DONE, *ACTIVE_ROLLOUTS]).select_related("release")
    rollouts = list(rows.order_by("-created_at")[:REMEMBERED])
    found = {home.node: rollout for home in homes if (rollout := _fitting(home, rollouts, roster))}
    for name, rollout in found.items():
        wanted = Wanted(rollout.release_id, False, True)
        want([name], wanted, terms=Terms.read(rollout.terms).node)
    told = [home for home in homes if home.node in found]
    OtaEvent.objects.bulk_create(
        OtaEvent(
            at=now,
            rollout=found[home.node],
            release=found[home.node].release.version,
            node=home.node,
            what="caught up",
            reason="it joined after the others were updated",
        )
        for home in told
        if home.active != found[home.node].release.sha256
    )
    return set(found)


def _fitting(home: Home, rollouts: list[Rollout], roster: Roster) -> Rollout | None:
    """The newest for such a node, if it is over and left something to catch up with."""
    labels = roster[home.node].labels
    for rollout in rollouts:
        release = rollout.release
        if release.state != ReleaseState.PUBLISHED or not takes_channel(home, release):
            continue
        if fits(rollout.selector, labels):
            return rollout if rollout.state in DONE else None
    return None
