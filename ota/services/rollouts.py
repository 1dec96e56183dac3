"""The verbs of rollouts: what people decide. The Conductor acts on it."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from hive_site.kernel.errors import Conflict, NotFound
from nodes.inbox import ring
from ota.domain.states import DeploymentState, ReleaseState, RolloutState
from ota.domain.strategies import Terms
from ota.domain.verbs import VERBS, Refused, roll_back, supersede
from ota.domain.view import BEFORE_SWITCH, Code, View, Wave
from ota.models import Deployment, Home, OtaEvent, Release, Rollout, new_rollout_id
from ota.rows import read_view, write_view, write_waves
from ota.services.planning import WHY_SKIPPED, Plan, plan_rollout
from ota.wishing import send_back

#: What the Foreman is told when something about a rollout changed.
HINT = "rollout"
#: Nobody decides for the nodes of these any more, and they can go back all the same.
OVER = (RolloutState.ABORTED, RolloutState.SUCCEEDED, RolloutState.SUCCEEDED_WITH_ERRORS)
WENT_ON = "none of its nodes runs it because of this rollout any more, so nothing was brought back"


def preview_rollout(*, release: Any, strategy: Any = "fast", selector: Any = None) -> Plan:
    """Whom a rollout would touch; nothing is stored. Raises as `create_rollout`."""
    return plan_rollout(
        release=release, strategy=strategy, selector=selector or {}, lot=new_rollout_id()
    )


def create_rollout(
    *,
    release: Any,
    strategy: Any = "fast",
    selector: Any = None,
    begin: bool = True,
    replace: bool = False,
    who: str = "",
    now: datetime | None = None,
) -> Rollout:
    """Roll a release out, at once or when it is started. `replace`: take over the nodes that
    other rollouts have in hand, which are superseded by that.

    Raises `Invalid` with the field's name, or `Conflict` with what is in the way.
    """
    now, lot = now or timezone.now(), new_rollout_id()
    try:
        with transaction.atomic():
            plan = plan_rollout(
                release=release, strategy=strategy, selector=selector or {}, lot=lot
            )
            _hold(plan.release)
            if plan.taken and not replace:
                raise Conflict(_in_the_way(plan))
            wish = {"strategy": strategy, "selector": selector or {}}
            rollout = _store(plan, lot=lot, who=who, now=now, **wish)
            for other in sorted(set(plan.taken.values())):
                _supersede(other, by=lot, newer=plan.names, who=who, now=now)
            _enlist(plan, rollout, now)
            if begin:
                _apply(rollout, VERBS["start"], who=who, now=now)
    except IntegrityError as error:
        raise Conflict("another rollout took some of these nodes just now; look again") from error
    return rollout


def move_rollout(
    *, rollout_id: str, verb: str, who: str = "", now: datetime | None = None
) -> Rollout:
    """Start, pause, resume, promote, abort or roll back a rollout (`verb`: one of `VERBS`).

    Saying it twice is fine. Raises `NotFound`, or `Conflict` for what its state does not take.
    """
    now, act = now or timezone.now(), VERBS[verb]
    with transaction.atomic():
        rollout = lock_rollout(rollout_id)
        if verb == "rollback" and rollout.state in OVER and not _take_nodes_again(rollout):
            act = partial(roll_back, reason=WENT_ON)
        try:
            _apply(rollout, act, who=who, now=now)
        except Refused as fact:
            raise Conflict(f"rollout {rollout_id} {fact}") from fact
    return rollout


def lock_rollout(rollout_id: str) -> Rollout:
    """A rollout that nobody else changes until the transaction is over. Raises `NotFound`."""
    # Its key does not change: who writes an event of it meanwhile need not wait.
    locked = Rollout.objects.select_for_update(of=("self",), no_key=True)
    rows = locked.select_related("release")
    rollout = rows.filter(pk=rollout_id).first()
    if rollout is None:
        raise NotFound(f"there is no rollout {rollout_id!r}")
    return rollout


def _apply(
    rollout: Rollout, verb: Callable[[View, datetime], View], *, who: str, now: datetime
) -> None:
    before = read_view(rollout, rollout.deployments.filter(open=True))
    then = verb(before, now)
    if then is not before:
        write_view(rollout, before, then, now=now, who=who)
        transaction.on_commit(partial(ring, HINT, rollout.pk))


def _hold(release: Release) -> None:
    """Nobody forgets or yanks it until the rollout is stored. Raises `Conflict` if somebody did."""
    rows = Release.objects.select_for_update().filter(pk=release.pk, state=ReleaseState.PUBLISHED)
    if not list(rows):
        raise Conflict(f"release {release} was withdrawn just now; look again")


def _in_the_way(plan: Plan) -> str:
    others = sorted(set(plan.taken.values()))
    names = sorted(plan.taken)
    some = ", ".join(names[:3]) + (" …" if len(names) > 3 else "")
    has = "have" if len(others) > 1 else "has"
    return (
        f"{', '.join(others)} {has} {some} in hand; wait for its end, abort it, "
        "or supersede it with this one (`--supersede`)"
    )


def _store(plan: Plan, *, lot: str, who: str, now: datetime, **wish: Any) -> Rollout:
    rollout = Rollout.objects.create(
        id=lot,
        release=plan.release,
        terms=plan.terms.write(),
        waves=write_waves(Wave() for _ in plan.waves),
        created_by=who[:150],
        created_at=now,
        changed_at=now,
        **wish,
    )
    OtaEvent.objects.create(
        at=now, rollout=rollout, release=plan.release.version, who=who[:150], what="created"
    )
    return rollout


def _enlist(plan: Plan, rollout: Rollout, now: datetime) -> None:
    """Write down who belongs to it, once and for all."""
    # What these waited for while they were away is overtaken: they come up in one hop.
    waiting = Deployment.objects.filter(
        node__in=plan.names, open=False, state=DeploymentState.DEFERRED
    )
    waiting.update(state=DeploymentState.SUPERSEDED, reason=f"by {rollout.pk}", changed_at=now)
    rows = [
        _row(plan, rollout, name, index, now)
        for index, wave in enumerate(plan.waves)
        for name in wave
    ]
    rows += [
        Deployment(
            rollout=rollout,
            node=name,
            state=DeploymentState.SKIPPED,
            open=False,
            code=why,
            reason=WHY_SKIPPED[why],
            changed_at=now,
        )
        for name, why in plan.skipped.items()
    ]
    Deployment.objects.bulk_create(rows)


def _row(plan: Plan, rollout: Rollout, name: str, wave: int, now: datetime) -> Deployment:
    home, away = plan.homes[name], name in plan.offline
    before = home.active_version, home.active
    if away and home.wanted and home.activate:
        # It was to follow the others: if this one is called off, it still has to.
        before = home.wanted.version, home.wanted.sha256
    state = DeploymentState.DEFERRED if away else DeploymentState.PENDING
    return Deployment(
        rollout=rollout,
        node=name,
        wave=wave,
        state=state,
        from_version=before[0],
        from_sha256=before[1],
        code=Code.OFFLINE if away else "",
        reason="it is offline" if away else "",
        changed_at=now,
    )


def _supersede(rollout_id: str, *, by: str, newer: list[str], who: str, now: datetime) -> None:
    """Leave a rollout's nodes to a newer one; those that the newer one does not take go back."""
    rollout = lock_rollout(rollout_id)
    staged = rollout.deployments.filter(open=True, state__in=BEFORE_SWITCH)
    left = list(staged.exclude(node__in=newer))
    _apply(rollout, partial(supersede, by=by), who=who, now=now)
    send_back(left, terms=Terms.read(rollout.terms).node)


def _take_nodes_again(rollout: Rollout) -> int:
    """Of a rollout that is over: decide once more for those that run its release because of it;
    how many these are."""
    mine = Home.objects.filter(wanted=rollout.release_id).values("node")
    went = (DeploymentState.HEALTHY, DeploymentState.DEFERRED)
    rows = rollout.deployments.filter(open=False, state__in=went, node__in=mine)
    busy = Deployment.objects.filter(open=True, node__in=rows.values("node")).first()
    if busy is not None:
        raise Conflict(
            f"{busy.rollout_id} has {busy.node} in hand; wait for its end, or abort it first"
        )
    before = Release.objects.filter(sha256__in=rows.values("from_sha256"))
    if gone := before.filter(state=ReleaseState.PURGED).first():
        raise Conflict(f"{gone} ran there before, and was pruned; roll out another release instead")
    return rows.update(open=True)
