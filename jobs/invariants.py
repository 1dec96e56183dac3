"""The promise, checked: what must hold in the database alone, and between it and Redis.

The numbers are those of the list of invariants in `docs/states.md`.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice

from django.db.models import Count, F, Q
from django.utils import timezone
from redis import Redis

from jobs.domain.retry import MAX_CRASHES, MAX_LOSSES
from jobs.domain.states import JOB_OPEN, JOB_TERMINAL, OPEN, Outcome, Role, SubtaskState
from jobs.models import Job, Subtask
from nodes import wire
from nodes.domain.states import NodeState
from nodes.models import Lease, Node

#: Keys that live for ever, or that an owner deletes: the Foreman trims reports and ledgers.
PERMANENT = (wire.EPOCH, wire.BOOT, wire.INBOX, wire.NODES)
OWNED = ("hive:report:", "hive:flight:", "hive:orders:")
#: More violations of one rule than this are not listed.
LISTED = 20
#: What is compared of a job. SQLite groups by every column it loads, for each subtask of the
#: job anew: with a result among them it would sort gigabytes.
COUNTERS = ("total", "succeeded", "failed", "cancelled")
NARROW = ("state", "created_at", *COUNTERS)


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that must not be: which rule, about what, and what was seen."""

    rule: str
    subject: str
    detail: str


def check_database() -> list[Violation]:
    """Violations that the database alone shows; none at any instant."""
    rules = (_accepted_once, _budgets, _counters, _ends_agree, _one_leader)
    return [violation for rule in rules for violation in rule()]


def check_redis(client: Redis) -> list[Violation]:
    """Violations between database and Redis. Work in motion may look like one for a moment, so
    only what two looks ten seconds apart both show is real."""
    rules = (_flights, _lists, _lost_nodes, _keys, _memory)
    return [violation for rule in rules for violation in rule(client)]


def repair_counters() -> int:
    """Set the counters of jobs to what their subtasks say; how many jobs were mended."""
    mended = 0
    for job, counts in list(_wrong_counters()):
        # A Foreman that moved them since we looked moved its subtasks too: look again then.
        seen = {name: getattr(job, name) for name in counts}
        mended += Job.objects.filter(pk=job.pk, **seen).update(**counts)
    return mended


def _accepted_once() -> Iterator[Violation]:
    done = Q(state=SubtaskState.SUCCEEDED)
    broken = Subtask.objects.filter(done, Q(attempt=0) | Q(result=None))
    for row in broken[:LISTED]:
        yield Violation("I1", str(row), "succeeded without an accepted attempt or result")
    accepted = Count("tries", filter=Q(tries__outcome=Outcome.SUCCEEDED))
    narrow = Subtask.objects.only("job", "index", "state")
    doubled = narrow.filter(attempts__gt=1).annotate(n=accepted)
    for row in doubled.filter(Q(n__gt=1) | (Q(n__gt=0) & ~done))[:LISTED]:
        yield Violation("I1", str(row), f"{row.state} with {row.n} accepted attempts")


def _budgets() -> Iterator[Violation]:
    over = Q(errors__gt=F("job__retries") + 1) | Q(crashes__gt=MAX_CRASHES + 1)
    over |= Q(losses__gt=MAX_LOSSES + 1)
    for row in Subtask.objects.filter(over)[:LISTED]:
        seen = f"{row.errors} errors, {row.crashes} crashes, {row.losses} losses"
        yield Violation("I4", str(row), f"over its budget: {seen}")
    twice = Subtask.objects.filter(job__at_most_once=True, attempts__gt=F("job__rounds"))
    for row in twice[:LISTED]:
        yield Violation("I4", str(row), f"at_most_once, but tried {row.attempts} times")


def _wrong_counters() -> Iterator[tuple[Job, dict[str, int]]]:
    failed = (SubtaskState.FAILED, SubtaskState.QUARANTINED)
    mapped = Q(subtasks__role=Role.MAP)
    jobs = Job.objects.only(*NARROW).annotate(
        a=Count("subtasks", filter=mapped),
        s=Count("subtasks", filter=mapped & Q(subtasks__state=SubtaskState.SUCCEEDED)),
        f=Count("subtasks", filter=mapped & Q(subtasks__state__in=failed)),
        c=Count("subtasks", filter=mapped & Q(subtasks__state=SubtaskState.CANCELLED)),
    )
    wrong = ~Q(a=F("total")) | ~Q(s=F("succeeded")) | ~Q(f=F("failed")) | ~Q(c=F("cancelled"))
    for job in jobs.filter(wrong):
        counts = {"total": job.a, "succeeded": job.s, "failed": job.f, "cancelled": job.c}
        yield job, counts


def _counters() -> Iterator[Violation]:
    for job, counts in islice(_wrong_counters(), LISTED):
        shown = {name: getattr(job, name) for name in counts}
        yield Violation("I5", job.pk, f"counters say {shown}, subtasks say {counts}")


def _ends_agree() -> Iterator[Violation]:
    left = Count("subtasks", filter=Q(subtasks__state__in=OPEN))
    jobs = Job.objects.only(*NARROW).annotate(n=left)
    for job in jobs.filter(state__in=JOB_TERMINAL, n__gt=0)[:LISTED]:
        yield Violation("I5", job.pk, f"{job.state} with {job.n} subtasks that have not ended")

    patience = timezone.now() - timedelta(seconds=30)
    ended = jobs.filter(state__in=JOB_OPEN, total__gt=0, n=0, created_at__lt=patience)
    for job in ended[:LISTED]:
        yield Violation("I5", job.pk, f"{job.state}, but all its subtasks ended")


def _one_leader() -> Iterator[Violation]:
    count = Lease.objects.count()
    if count > 1:
        yield Violation("I6", "lease", f"{count} rows; there must be one")


def _ledger(client: Redis) -> dict[tuple[str, str], dict]:
    found = {}
    for node in Node.objects.values_list("name", flat=True):
        for bundle, text in client.hgetall(wire.flight_key(node)).items():
            found[node, bundle.decode()] = json.loads(text)
    return found


def _flights(client: Redis) -> Iterator[Violation]:
    """I7 and I8: what is in flight is somewhere, and belongs to work that has not ended."""
    unread = {
        node
        for node in Node.objects.values_list("name", flat=True)
        if client.xlen(wire.report_key(node))
    }
    for (node, bundle), entry in _ledger(client).items():
        rows = Subtask.objects.filter(pk__in=entry["s"][:500])
        if rows.exists() and not rows.filter(state__in=OPEN).exists():
            yield Violation("I8", bundle, f"in flight on {node}, but its subtasks ended")
        listed = client.lrange(wire.queue_key(node), 0, -1)
        listed += client.lrange(wire.intermediate_key(node), 0, -1)
        if bundle.encode() not in listed and node not in unread:
            yield Violation("I7", bundle, f"in flight on {node}, but in no list and no report")


def _lists(client: Redis) -> Iterator[Violation]:
    ledger = _ledger(client)
    for node in Node.objects.all():
        queued = client.lrange(wire.queue_key(node.name), 0, -1)
        popped = client.lrange(wire.intermediate_key(node.name), 0, -1)
        for bundle, count in Counter(queued + popped).items():
            if count > 1:
                yield Violation("I8", bundle.decode(), f"{count} times in the lists of {node}")
            if (node.name, bundle.decode()) not in ledger:
                yield Violation("I8", bundle.decode(), f"listed on {node}, but not in flight")
        if len(queued) > 2 * max(node.slots, 1):
            yield Violation("I10", node.name, f"{len(queued)} bundles queued on {node.slots} slots")


def _lost_nodes(client: Redis) -> Iterator[Violation]:
    for node in Node.objects.filter(state=NodeState.LOST):
        count = client.hlen(wire.flight_key(node.name))
        if count:
            yield Violation("I9", node.name, f"lost, but {count} bundles are in flight there")


def _keys(client: Redis) -> Iterator[Violation]:
    for key in client.scan_iter("hive:*", count=1000):
        name = key.decode(errors="replace")
        if name in PERMANENT or name.startswith(OWNED):
            continue
        if client.ttl(key) == -1:
            yield Violation("I12", name, "has no TTL and is not on the permanent list")


def _memory(client: Redis) -> Iterator[Violation]:
    lease = Lease.objects.first()
    if lease is None:
        return
    boot, epoch = client.get(wire.BOOT), client.get(wire.EPOCH)
    if boot is None or boot.decode() != lease.boot_key:
        yield Violation("I13", wire.BOOT, "Redis is not the memory that the Foreman took over")
    if epoch is None or int(epoch) != lease.epoch:
        seen = int(epoch) if epoch else None
        yield Violation("I13", wire.EPOCH, f"Redis has {seen}, the database {lease.epoch}")
