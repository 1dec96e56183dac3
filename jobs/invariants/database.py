"""What the database alone must show, at every instant."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import islice

from django.db.models import Count, Exists, F, OuterRef, Q
from django.utils import timezone

from jobs.descendants import forgotten_jobs
from jobs.domain.cache import FROM_CACHE
from jobs.domain.retry import MAX_CRASHES, MAX_LOSSES
from jobs.domain.states import (
    JOB_OPEN,
    JOB_TERMINAL,
    OPEN,
    JobState,
    Kept,
    Outcome,
    Role,
    SubtaskState,
)
from jobs.invariants.violation import LISTED, Violation
from jobs.loader import may_run_once, read_policy
from jobs.models import Attempt, Edge, Job, Subtask
from nodes.leadership import EPOCH_SHIFT
from nodes.models import Lease

#: How long a job whose subtasks all ended may stay open, or blocked when its parents have decided:
#: the Foreman looks every few seconds, and does not settle any number of jobs at once.
PATIENCE = timedelta(seconds=30)
#: What is compared of a job. SQLite groups by every column it loads, for each subtask of the
#: job anew: with a result among them it would sort gigabytes.
COUNTERS = ("total", "succeeded", "failed", "cancelled")
NARROW = ("state", "created_at", *COUNTERS)


def check_database() -> list[Violation]:
    """Violations that the database alone shows; none at any instant."""
    rules = (
        *(_accepted_once, _budgets, _counters, _ends_agree, _one_leader),
        *(_nothing_waits_for_ever, _blocked_by_somebody, _ends_are_numbered),
    )
    return [violation for rule in rules for violation in rule()]


def _accepted_once() -> Iterator[Violation]:
    done = Q(state=SubtaskState.SUCCEEDED)
    # What was known already was not tried: it says so.
    unaccepted = Q(attempt=0) & ~Q(placed=FROM_CACHE)
    broken = Subtask.objects.filter(done, unaccepted | Q(result=None))
    for row in broken[:LISTED]:
        yield Violation("I1", str(row), "succeeded without an accepted attempt or result")
    accepted = Count("tries", filter=Q(tries__outcome=Outcome.SUCCEEDED))
    narrow = Subtask.objects.only("job", "index", "state", "role")
    tried = narrow.filter(attempts__gt=1).annotate(n=accepted)
    items = Q(role=Role.MAP) & (Q(n__gt=1) | (Q(n__gt=0) & ~done))
    # A reduction runs anew in each round, whether it succeeded in the last or not.
    reductions = Q(role=Role.REDUCE, n__gt=F("job__rounds"))
    for row in tried.filter(items | reductions)[:LISTED]:
        yield Violation("I1", str(row), f"{row.state} with {row.n} accepted attempts")


def _budgets() -> Iterator[Violation]:
    # A reduction has a budget of its own; of the few that ever failed each is looked at.
    over = Q(role=Role.MAP, errors__gt=F("job__retries") + 1) | Q(crashes__gt=MAX_CRASHES + 1)
    over |= Q(losses__gt=MAX_LOSSES + 1) | Q(role=Role.REDUCE, errors__gt=1)
    found = (row for row in Subtask.objects.filter(over).select_related("job") if _is_over(row))
    for row in islice(found, LISTED):
        seen = f"{row.errors} errors, {row.crashes} crashes, {row.losses} losses"
        yield Violation("I4", str(row), f"over its budget: {seen}")
    twice = Subtask.objects.filter(may_run_once(), attempts__gt=F("job__rounds"))
    for row in twice[:LISTED]:
        yield Violation("I4", str(row), f"at_most_once, but tried {row.attempts} times")


def _is_over(row: Subtask) -> bool:
    policy = read_policy(row.job, reduce=row.role == Role.REDUCE)
    spent = (row.crashes > MAX_CRASHES + 1, row.losses > MAX_LOSSES + 1)
    return row.errors > policy.retries + 1 or any(spent)


def wrong_counters() -> Iterator[tuple[Job, dict[str, int]]]:
    """Jobs whose counters are not what their subtasks say, with what they say."""
    failed = (SubtaskState.FAILED, SubtaskState.QUARANTINED)
    mapped = Q(subtasks__role=Role.MAP)
    jobs = Job.objects.only(*NARROW).annotate(
        a=Count("subtasks", filter=mapped),
        s=Count("subtasks", filter=mapped & Q(subtasks__state=SubtaskState.SUCCEEDED)),
        f=Count("subtasks", filter=mapped & Q(subtasks__state__in=failed)),
        c=Count("subtasks", filter=mapped & Q(subtasks__state=SubtaskState.CANCELLED)),
    )
    wrong = ~Q(a=F("total")) | ~Q(s=F("succeeded")) | ~Q(f=F("failed")) | ~Q(c=F("cancelled"))
    # Of what retention deleted nothing is left to be compared.
    for job in jobs.filter(wrong, kept=Kept.ALL):
        counts = {"total": job.a, "succeeded": job.s, "failed": job.f, "cancelled": job.c}
        yield job, counts


def _counters() -> Iterator[Violation]:
    for job, counts in islice(wrong_counters(), LISTED):
        shown = {name: getattr(job, name) for name in counts}
        yield Violation("I5", job.pk, f"counters say {shown}, subtasks say {counts}")


def _ends_agree() -> Iterator[Violation]:
    left = Count("subtasks", filter=Q(subtasks__state__in=OPEN))
    jobs = Job.objects.only(*NARROW).annotate(n=left)
    for job in jobs.filter(state__in=JOB_TERMINAL, n__gt=0)[:LISTED]:
        yield Violation("I5", job.pk, f"{job.state} with {job.n} subtasks that have not ended")

    # Of those that are kept whole, the counters are compared.
    hollow = Job.objects.only(*NARROW).filter(state__in=JOB_OPEN).exclude(kept=Kept.ALL)
    for job in hollow[:LISTED]:
        yield Violation("I5", job.pk, f"{job.state}, but its items were deleted")

    old = timezone.now() - PATIENCE
    ended = jobs.filter(state__in=JOB_OPEN, total__gt=0, n=0, created_at__lt=old)
    for job in ended[:LISTED]:
        yield Violation("I5", job.pk, f"{job.state}, but all its subtasks ended")


def _one_leader() -> Iterator[Violation]:
    leases = list(Lease.objects.all()[:2])
    if len(leases) > 1:
        yield Violation("I6", "lease", "more than one row")
    epoch = leases[0].epoch if leases else 0
    later = Attempt.objects.filter(pk__gte=(epoch + 1) << 32)
    for attempt in later[:LISTED]:
        yield Violation("I6", str(attempt), f"from epoch {attempt.pk >> 32}, which never led")


def _ends_are_numbered() -> Iterator[Violation]:
    """Whoever follows a job would never be told of an end without a number."""
    unnumbered = Subtask.objects.filter(seq=0).exclude(state__in=OPEN)
    for row in unnumbered[:LISTED]:
        yield Violation("I14", str(row), f"{row.state}, but by no transaction")
    epoch = Lease.objects.values_list("epoch", flat=True).first() or 0
    later = Subtask.objects.filter(seq__gte=(epoch + 1) << EPOCH_SHIFT)
    for row in later[:LISTED]:
        yield Violation("I14", str(row), f"ended in epoch {row.seq >> EPOCH_SHIFT}, not led yet")


def _nothing_waits_for_ever() -> Iterator[Violation]:
    timeless = Subtask.objects.filter(state=SubtaskState.RETRYING, retry_at=None)
    for row in timeless[:LISTED]:
        yield Violation("I11", str(row), "retrying, but at no time")
    early = Subtask.objects.filter(state=SubtaskState.BLOCKED, role=Role.MAP)
    # What is being cancelled may have been blocked a moment ago.
    for row in early.exclude(job__state__in=(JobState.BLOCKED, JobState.CANCELLING))[:LISTED]:
        yield Violation("I11", str(row), "blocked, and nothing would ever open it")


def _blocked_by_somebody() -> Iterator[Violation]:
    just_now = timezone.now() - PATIENCE
    recent = Edge.objects.filter(child=OuterRef("pk"), parent__finished_at__gt=just_now)
    for job in forgotten_jobs().exclude(Exists(recent))[:LISTED]:
        yield Violation("I5", job.pk, "blocked, though its parents have decided")
    begun = Subtask.objects.filter(job__state=JobState.BLOCKED).exclude(state=SubtaskState.BLOCKED)
    for row in begun[:LISTED]:
        yield Violation("I5", str(row), f"{row.state}, but its job is blocked")
