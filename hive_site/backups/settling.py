"""Makes what was restored fit into a world that went on after the backup was made.

Nodes, Redis and people may know things that this database never heard of. So nothing that it
counts from now on may have a number that was given before, and nobody is let in by what was
used up since.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.contrib.sessions.models import Session
from django.db import connection
from django.db.models import F, Q

from jobs.domain.states import JobState
from jobs.models import Job, Subtask
from jobs.services.lifecycle import PAUSABLE, cancel_job
from nodes.models import Invite, Lease, LoginLink, NodeCredential
from ota.journal import record
from ota.trust.nexus import open_repository

#: Epochs and versions of signed metadata grow by one at a time, and not every second.
LEAST_STEPS = 1000
#: No Hive stores more subtasks than that in a second.
SUBTASKS_PER_SECOND = 100_000
OLDEST = timedelta(days=3650)


def count_steps(made_at: datetime, now: datetime) -> int:
    """More than anything that grows once a second can have grown since."""
    age = min(max(now - made_at, timedelta(0)), OLDEST)
    return LEAST_STEPS + int(age.total_seconds())


def settle(made_at: datetime, now: datetime) -> list[str]:
    """Do it; what people should know of it, a line each."""
    steps = count_steps(made_at, now)
    # Nobody leads, and whoever does next has an epoch that no message, ledger or node has seen.
    Lease.objects.get_or_create(pk=1)
    Lease.objects.update(epoch=F("epoch") + steps, holder="", expires_at=None)
    skip_subtask_numbers(steps * SUBTASKS_PER_SECOND)
    LoginLink.objects.all().delete()
    Session.objects.all().delete()
    Invite.objects.all().delete()
    told = [*hold_what_runs_once(), *outrun_signatures(steps, now), *doubt_credentials()]
    reason = f"from a backup of {made_at:%Y-%m-%d %H:%M:%S} UTC"
    record(what="restored", who="", reason=reason, now=now)
    return told


def skip_subtask_numbers(count: int) -> None:
    """Give no new subtask a number that one may have had which this database never saw."""
    table = Subtask._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(
                "UPDATE sqlite_sequence SET seq = seq + %s WHERE name = %s", [count, table]
            )
            if not cursor.rowcount:
                cursor.execute(
                    "INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)", [table, count]
                )
        else:
            sequence = "pg_get_serial_sequence(%s, 'id')"
            cursor.execute(
                f"SELECT setval({sequence}, nextval({sequence}) + %s)",
                [table, table, count],
            )


def doubt_credentials() -> Iterator[str]:
    """Who was revoked since has a key again: nobody but an operator knows who that was."""
    if count := NodeCredential.objects.filter(revoked_at=None).count():
        yield (
            f"{count} machines that joined have their keys of then; `hive revoke NAME` whoever was"
            " revoked since, and invite anew whoever joined since"
        )


def hold_what_runs_once() -> Iterator[str]:
    """What may never run twice may have run since: an operator decides about it."""
    once = Job.objects.open().filter(Q(at_most_once=True) | Q(reduction__at_most_once=True))
    held = list(once.filter(state__in=PAUSABLE).values_list("pk", flat=True))
    Job.objects.filter(pk__in=held, state__in=PAUSABLE).update(state=JobState.PAUSED)
    for job in held:
        yield f"{job} is paused: it runs at most once, and may have run since (resume or cancel it)"
    for job in once.filter(state=JobState.BLOCKED).values_list("pk", flat=True):
        cancel_job(job_id=job)
        yield f"{job} is cancelled: it runs at most once, waited for others, and may have run since"


def outrun_signatures(steps: int, now: datetime) -> Iterator[str]:
    """Sign with versions that no node has seen: it would refuse older ones as a replay."""
    repository = open_repository()
    if not repository.exists:
        return
    for role in repository.outrun(steps, now):
        yield (
            f"{role} was not signed anew, its key is not here: nodes refuse updates until"
            f" `ota keys rotate {role}` replaces it"
        )
