"""What a node's report changes, and what it is told."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Greatest

from hive_site.kernel.errors import Invalid, Unavailable
from nodes.inbox import ring
from ota.domain.report_body import BadReport, read_report
from ota.domain.reports import News, Place, read_news
from ota.domain.states import DeploymentState, RolloutState
from ota.models import Deployment, Home, OtaEvent, Release
from ota.rows import UNTOLD
from ota.services.rollouts import HINT

POLL_SECONDS = 60
#: A report like the one before is noted only so often: that the node is there.
NOTE_EVERY = timedelta(seconds=15)
ATTEMPTS = 3
#: Nobody changes their mind that often: more than this is not taken from a node's word.
HIGHEST_REV = 2**30


class _Overtaken(Exception):
    """The Conductor changed what this report is about."""


def sync(*, node: str, body: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Record a report and answer what is wanted. Saying it again changes nothing.

    Raises `Invalid` with the field's name.
    """
    try:
        report = read_report(body)
    except BadReport as fact:
        raise Invalid(str(fact), field=fact.field) from fact
    for _ in range(ATTEMPTS):
        try:
            home, rollout = _record(node, report, now)
        except _Overtaken:
            continue
        if rollout:
            # Only now: whoever wakes looks into the database.
            transaction.on_commit(partial(ring, HINT, rollout))
        return answer(home, now)
    raise Unavailable("this node's part in its rollout changes all the time; report again")


def answer(home: Home, now: datetime) -> dict[str, Any]:
    """What is wanted of a node. It is told as long as it is wanted, done or not."""
    release = home.wanted
    order = "none"
    if home.wanted_own:
        order = "own"
    elif release:
        order = "activate" if home.activate else "stage"
    return {
        "rev": home.rev,
        "order": order,
        "release": _describe(release) if release else None,
        "terms": home.terms,
        "poll": POLL_SECONDS,
        "at": now.timestamp(),
    }


def _describe(release: Release) -> dict[str, Any]:
    return {
        "sha256": release.sha256,
        "path": release.target,
        "version": release.version,
        "channel": release.channel,
        "seq": release.seq,
        "size": release.size,
    }


def _record(node: str, report: dict[str, Any], now: datetime) -> tuple[Home, str]:
    """The home as it is now, and the rollout that should look at it; empty: none."""
    home = Home.objects.select_related("wanted").filter(pk=node).first()
    home = home or Home.objects.get_or_create(node=node)[0]
    # It heard more than we know of: from a database before this one, or before it was deleted.
    # It would heed no order with a lower number.
    heard = report["rev"] if report["rev"] <= HIGHEST_REV else 0
    behind = heard > home.rev
    home.rev = max(home.rev, heard)
    part = Q(open=True) | Q(state=DeploymentState.DEFERRED)
    rows = Deployment.objects.filter(part, node=node).select_related("rollout__release")
    row = rows.order_by("-pk").first()
    noted = home.reported_at and now - home.reported_at < NOTE_EVERY
    is_new = behind or not noted or home.report != report
    news = read_news(report, _place(row, home)) if row else None
    if row and news:
        with transaction.atomic():
            # In the Conductor's order: each would wait for the other's rows otherwise.
            _write_news(row, news, now)
            _write_report(node, report, now)
        return home, row.rollout_id if row.open else ""
    # Most reports are like the last: they must not wait for whoever writes.
    if is_new:
        _write_report(node, report, now)
    return home, ""


def _place(row: Deployment, home: Home) -> Place:
    return Place(
        state=DeploymentState(row.state),
        rollout=RolloutState(row.rollout.state),
        sha256=row.rollout.release.sha256,
        before=row.from_sha256,
        rev=home.rev,
        open=row.open,
    )


def _write_report(node: str, report: dict[str, Any], now: datetime) -> None:
    active, previous, staged = report["active"], report["previous"] or {}, report["staged"] or {}
    Home.objects.filter(pk=node).update(
        rev=Greatest(F("rev"), report["rev"] if report["rev"] <= HIGHEST_REV else 0),
        phase=report["phase"],
        active=active["sha256"][:64],
        active_version=active["version"][:64],
        previous=previous.get("sha256", "")[:64],
        previous_version=previous.get("version", "")[:64],
        staged=staged.get("sha256", "")[:64],
        report=report,
        reported_at=now,
    )


def _write_news(row: Deployment, news: News, now: datetime) -> None:
    mine = Deployment.objects.filter(pk=row.pk, state=row.state, open=row.open)
    code, reason = news.code[:32], news.reason[:500]
    if not mine.update(state=news.state, code=code, reason=reason, changed_at=now):
        raise _Overtaken
    if news.state not in UNTOLD and not _is_told(row, news):
        OtaEvent.objects.create(
            at=now,
            rollout_id=row.rollout_id,
            release=row.rollout.release.version,
            node=row.node,
            what=news.state,
            reason=reason,
        )


def _is_told(row: Deployment, news: News) -> bool:
    """A node may put a release off without end: that it does is said once."""
    if news.state is not DeploymentState.DEFERRED:
        return False
    told = OtaEvent.objects.filter(rollout=row.rollout_id, node=row.node, what=news.state)
    return told.exists()
