"""JSON Schema of jobs, results, tasks and queues, for the OpenAPI document (CONTRACT §6)."""

from jobs.domain.delivery import DeliveryState
from jobs.domain.states import JobState, OnError, Outcome, SubtaskState
from jobs.validation import MAX_ITEMS
from nodes.api.shapes import (
    ANY,
    FLAG,
    LABELS,
    NUMBER,
    TEXT,
    TIME,
    WHOLE,
    WORDS,
    full,
    one_of,
    record,
)

ERROR = {**full("TaskError", type=TEXT, message=TEXT, traceback=TEXT), "nullable": True}
REQUIRES = record(
    gpu=WHOLE,
    gpu_memory_mb=WHOLE,
    memory_mb=WHOLE,
    labels=LABELS,
    capabilities=WORDS,
    avoid={**WORDS, "description": "names of nodes that will not do"},
    release={**TEXT, "description": "of the code: 1.4.2, or comparisons like >=1.4,<2"},
)
PARENT = {
    "oneOf": [
        TEXT,
        {
            **record(job=TEXT, allow_failure={**FLAG, "default": False}),
            "required": ["job"],
            "additionalProperties": False,
        },
    ]
}
JOB_WISH = {
    **record(
        task=TEXT,
        items={
            "oneOf": [
                {"type": "array", "maxItems": MAX_ITEMS, "items": ANY},
                {**record(**{"$result": TEXT, "$results": TEXT}), "maxProperties": 1},
            ]
        },
        kwargs={"type": "object"},
        reduce={**TEXT, "nullable": True},
        queue={**TEXT, "default": "background"},
        priority={**WHOLE, "minimum": 0, "maximum": 10, "default": 5},
        timeout={**NUMBER, "description": "seconds that one subtask may run"},
        retries={**WHOLE, "minimum": 0},
        requires=REQUIRES,
        depends_on={"type": "array", "items": PARENT},
        on_error={**one_of(*OnError), "default": OnError.COLLECT.value},
        delay={**NUMBER, "minimum": 0, "default": 0},
        deadline=TIME,
        cache_for={**NUMBER, "minimum": 0, "default": 0},
        labels=LABELS,
        webhook={**TEXT, "nullable": True},
    ),
    "required": ["task"],
    "additionalProperties": False,
    "title": "JobWish",
    "example": {"task": "math.count_primes", "items": [[0, 1000], [1000, 2000]]},
}
JOB = full(
    "Job",
    id=TEXT,
    task=TEXT,
    state=one_of(*JobState),
    queue=TEXT,
    priority=WHOLE,
    progress=record(
        total=WHOLE, waiting=WHOLE, running=WHOLE, succeeded=WHOLE, failed=WHOLE, cancelled=WHOLE
    ),
    waiting_for={**TEXT, "nullable": True, "description": "why something of it waits"},
    result=ANY,
    error=ERROR,
    created_at=TIME,
    started_at=TIME,
    finished_at=TIME,
    labels=LABELS,
    depends_on=WORDS,
    expired={**FLAG, "description": "its items and results were deleted; they answer 410"},
    links={"type": "object", "additionalProperties": {"type": "string", "format": "uri-reference"}},
    submitted_by=TEXT,
    webhook={**TEXT, "nullable": True},
    workflow={**TEXT, "nullable": True},
    name={**TEXT, "nullable": True, "description": "in its workflow"},
    spawned_by={**TEXT, "nullable": True, "description": "the subtask that submitted it"},
)
WORKFLOW_JOB = {
    **JOB_WISH,
    "title": "WorkflowJobWish",
    "properties": {**JOB_WISH["properties"], "after": {"type": "array", "items": PARENT}},
}
WORKFLOW_WISH = {
    "title": "WorkflowWish",
    **record(jobs={"type": "object", "minProperties": 1, "additionalProperties": WORKFLOW_JOB}),
    "required": ["jobs"],
    "additionalProperties": False,
    "example": {
        "jobs": {
            "count": {"task": "text.word_count", "items": ["bee hive", "hive"]},
            "merge": {
                "task": "text.merge_counts",
                "items": [{"$result": "count"}],
                "after": ["count"],
            },
        }
    },
}
WORKFLOW = full(
    "Workflow",
    id=TEXT,
    state=one_of("running", "succeeded", "partial", "failed", "cancelled"),
    jobs={"type": "object", "additionalProperties": JOB},
    links={"type": "object", "additionalProperties": {"type": "string", "format": "uri-reference"}},
)
SWEEP_WISH = {
    "title": "SweepWish",
    **record(
        filter={
            **record(
                state=TEXT,
                task=TEXT,
                queue=TEXT,
                labels=LABELS,
                older_than={
                    **NUMBER,
                    "minimum": 0,
                    "description": "seconds since it was submitted",
                },
                workflow=TEXT,
            ),
            "minProperties": 1,
            "additionalProperties": False,
        },
        dry_run={**FLAG, "default": False},
    ),
    "required": ["filter"],
    "additionalProperties": False,
    "example": {"filter": {"state": "failed", "labels": {"customer": "7"}}, "dry_run": True},
}
SWEEP = full("Sweep", matched=WHOLE, jobs={**WORDS, "description": "the first 100 ids"}, done=WHOLE)
RESULT = full(
    "Result",
    index=WHOLE,
    state=one_of(*SubtaskState),
    result=ANY,
    error=ERROR,
    node={**TEXT, "nullable": True},
    placed={**TEXT, "nullable": True, "description": "why it ran there"},
    attempts=WHOLE,
    started_at=TIME,
    finished_at=TIME,
)
WHY = {**TEXT, "nullable": True, "description": "why it ran where it did, or why it waits"}
PROGRESS = {**NUMBER, "minimum": 0, "maximum": 1, "nullable": True}
TRY = full(
    "Attempt",
    number=WHOLE,
    node=TEXT,
    outcome=one_of(*Outcome),
    started_at=TIME,
    ended_at=TIME,
    error=ERROR,
)
LOG = record(index=WHOLE, attempt=WHOLE, node=TEXT, text=TEXT)
RATE = {**TEXT, "nullable": True, "example": "10/second", "description": "starts in a period"}
AT_ONCE = {**WHOLE, "nullable": True, "minimum": 1, "description": "how many may run at once"}
LIMITS = full("Limits", rate=RATE, concurrency=AT_ONCE, set_by_operator=FLAG)
LIMITS_CHANGE = {
    **record(rate=RATE, concurrency=AT_ONCE),
    "title": "LimitsChange",
    "additionalProperties": False,
}
SUBTASK = full(
    "Subtask",
    **RESULT["properties"],
    item=ANY,
    retry_at=TIME,
    progress=PROGRESS,
    message={**TEXT, "nullable": True},
    why=WHY,
    tries={"type": "array", "items": TRY},
)
TASK = full(
    "Task",
    name=TEXT,
    summary=TEXT,
    options={"type": "object"},
    limits=LIMITS,
    schema={
        **record(item={"type": "object"}, kwargs={"type": "object"}),
        "description": "JSON Schema of item and kwargs, as far as the task's annotations tell",
    },
    where={
        **one_of("nexus", "nodes"),
        "description": "whose code has it; nexus: our own, which counts where both have it",
    },
)
QUEUE = full("Queue", name=TEXT, depth=WHOLE, oldest_wait={**NUMBER, "nullable": True}, paused=FLAG)
DELIVERY = full(
    "Delivery",
    id=TEXT,
    job=TEXT,
    url=TEXT,
    state=one_of(*DeliveryState),
    tries=WHOLE,
    status={**WHOLE, "nullable": True, "description": "the last answer"},
    error=TEXT,
    next_at=TIME,
    created_at={**TIME, "nullable": False},
    ended_at=TIME,
)
