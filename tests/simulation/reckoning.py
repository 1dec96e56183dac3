"""What must be true once everything has come to an end, whatever happened on the way."""

import json
from collections.abc import Iterator

from django.db.models import Min

from jobs.descendants import ended_by_parent
from jobs.domain.states import JOB_OPEN, TERMINAL, Role, SubtaskState
from jobs.invariants import check_database, check_redis
from jobs.models import Edge, Job, Subtask
from tests.simulation.work import FAILING, behaviour
from tests.simulation.world import World


def reckon(world: World) -> list[str]:
    """Everything that is wrong, in words."""
    wrong = [f"{job} is still {job.state}" for job in Job.objects.filter(state__in=JOB_OPEN)]
    wrong += sorted(world.violations | set(map(str, check_database())))
    world.rest(30)
    wrong += look_twice(world)
    broken = [name for desk in world.desks for name in desk.workload._side_jobs.broken]
    wrong += [f"the side job {name} broke" for name in broken]
    wrong += judge_edges()
    for row in Subtask.objects.select_related("job"):
        wrong += [f"{row} of {row.job.task} {what}" for what in judge(row, world)]
    return wrong


def judge_edges() -> Iterator[str]:
    """Nobody went before its parents let it, and nobody still waits."""
    for edge in Edge.objects.select_related("child", "parent"):
        child, parent = edge.child, edge.parent
        # By a parent, by a deadline, or by hand: else it must have been let go.
        ended = ended_by_parent(child.error) or child.deadline or child.state == "cancelled"
        if not edge.passed and not ended:
            yield f"{child} is {child.state}, but was never let go: {child.error}"
        fatal = not edge.allow_failure and parent.state != "succeeded"
        if edge.passed and fatal and parent.rounds == 1:
            yield f"{child} went though {parent} is {parent.state}"
        if edge.passed and child.started_at and parent.rounds == child.rounds == 1:
            first = child.subtasks.aggregate(at=Min("started_at"))["at"]
            if first and first < parent.finished_at:
                yield f"{child} began before {parent} had ended"


def look_twice(world: World) -> list[str]:
    """What two looks at Redis both show, as `hive check` takes them."""
    first = {(v.rule, v.subject) for v in check_redis(world.nexus)}
    world.rest(10)
    return [str(v) for v in check_redis(world.nexus) if (v.rule, v.subject) in first]


def judge(row: Subtask, world: World) -> Iterator[str]:
    """What cannot be, of one subtask, by what really happened on the machines."""
    truth, starts = world.truth, world.truth.starts[row.pk]
    if row.state not in TERMINAL:
        yield f"is still {row.state}"
    if row.state == SubtaskState.SUCCEEDED:
        yield from judge_result(row, world)
    if row.errors > truth.errors[row.pk]:
        yield f"has {row.errors} errors, but its code failed {truth.errors[row.pk]} times"
    if row.crashes > truth.crashes[row.pk]:
        yield f"has {row.crashes} crashes, but its process died {truth.crashes[row.pk]} times"
    if row.job.at_most_once and len(starts) > row.job.rounds:
        yield f"was started as {starts} in {row.job.rounds} rounds"
    if row.state in (SubtaskState.FAILED, SubtaskState.QUARANTINED) and not may_fail(row):
        yield f"is {row.state} by no fault of its own: {row.error}"
    wanted = row.role == Role.REDUCE or row.job_id in world.users.stopped
    wanted = wanted or ended_by_parent(row.job.error)
    if row.state == SubtaskState.CANCELLED and not wanted:
        yield "was cancelled, but nobody wanted that"


def judge_result(row: Subtask, world: World) -> Iterator[str]:
    result = json.loads(row.result)
    if row.result not in world.truth.results[row.pk] or result["index"] != row.index:
        yield f"succeeded with {row.result}, which no attempt returned"
    if row.role == Role.REDUCE:
        items = row.job.subtasks.filter(role=Role.MAP, state=SubtaskState.SUCCEEDED)
        if result["of"] != list(items.order_by("index").values_list("index", flat=True)):
            yield f"reduced {result['of']}"


def may_fail(row: Subtask) -> bool:
    """Whether it may fail: by its own fault, or because it must not run twice."""
    return row.job.at_most_once or behaviour(json.loads(row.item))["does"] in FAILING
