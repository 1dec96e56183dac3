"""JSON Schema of jobs, results, tasks and queues, for the OpenAPI document (CONTRACT §6)."""

from jobs.domain.states import JobState, OnError, SubtaskState
from jobs.validation import MAX_ITEMS
from nodes.api.shapes import ANY, FLAG, LABELS, NUMBER, TEXT, TIME, WHOLE, WORDS, one_of, record

ERROR = {**record(type=TEXT, message=TEXT, traceback=TEXT), "nullable": True}
REQUIRES = record(
    gpu=WHOLE, gpu_memory_mb=WHOLE, memory_mb=WHOLE, labels=LABELS, capabilities=WORDS
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
    "example": {"task": "math.count_primes", "items": [[0, 1000], [1000, 2000]]},
}
JOB = record(
    id=TEXT,
    task=TEXT,
    state=one_of(*JobState),
    queue=TEXT,
    priority=WHOLE,
    progress=record(
        total=WHOLE, waiting=WHOLE, running=WHOLE, succeeded=WHOLE, failed=WHOLE, cancelled=WHOLE
    ),
    result=ANY,
    error=ERROR,
    created_at=TIME,
    started_at=TIME,
    finished_at=TIME,
    labels=LABELS,
    depends_on=WORDS,
    workflow={**TEXT, "nullable": True},
    name={**TEXT, "nullable": True, "description": "in its workflow"},
    spawned_by={**TEXT, "nullable": True, "description": "the subtask that submitted it"},
    links={"type": "object", "additionalProperties": TEXT},
)
WORKFLOW_JOB = {
    **JOB_WISH,
    "properties": {**JOB_WISH["properties"], "after": {"type": "array", "items": PARENT}},
}
WORKFLOW_WISH = {
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
WORKFLOW = record(
    id=TEXT,
    state=one_of("running", "succeeded", "partial", "failed", "cancelled"),
    jobs={"type": "object", "additionalProperties": JOB},
    links={"type": "object", "additionalProperties": TEXT},
)
SWEEP_WISH = {
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
SWEEP = record(matched=WHOLE, jobs={**WORDS, "description": "the first 100 ids"}, done=WHOLE)
RESULT = record(
    index=WHOLE,
    state=one_of(*SubtaskState),
    result=ANY,
    error=ERROR,
    node={**TEXT, "nullable": True},
    attempts=WHOLE,
    started_at=TIME,
    finished_at=TIME,
)
SUBTASK = {**RESULT, "properties": {**RESULT["properties"], "item": ANY, "retry_at": TIME}}
TASK = record(name=TEXT, summary=TEXT, options={"type": "object"})
QUEUE = record(name=TEXT, depth=WHOLE, oldest_wait={**NUMBER, "nullable": True}, paused=FLAG)
