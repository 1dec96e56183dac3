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
    gpu=WHOLE, gpu_memory_mb=WHOLE, memory_mb=WHOLE, labels=LABELS, capabilities=WORDS
)
JOB_WISH = {
    **record(
        task=TEXT,
        items={"type": "array", "maxItems": MAX_ITEMS, "items": ANY},
        kwargs={"type": "object"},
        reduce={**TEXT, "nullable": True},
        queue={**TEXT, "default": "background"},
        priority={**WHOLE, "minimum": 0, "maximum": 10, "default": 5},
        timeout={**NUMBER, "description": "seconds that one subtask may run"},
        retries={**WHOLE, "minimum": 0},
        requires=REQUIRES,
        depends_on=WORDS,
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
    result=ANY,
    error=ERROR,
    created_at=TIME,
    started_at=TIME,
    finished_at=TIME,
    labels=LABELS,
    depends_on=WORDS,
    links={"type": "object", "additionalProperties": {"type": "string", "format": "uri-reference"}},
    submitted_by=TEXT,
    webhook={**TEXT, "nullable": True},
)
RESULT = full(
    "Result",
    index=WHOLE,
    state=one_of(*SubtaskState),
    result=ANY,
    error=ERROR,
    node={**TEXT, "nullable": True},
    attempts=WHOLE,
    started_at=TIME,
    finished_at=TIME,
)
TRY = full(
    "Attempt",
    number=WHOLE,
    node=TEXT,
    outcome=one_of(*Outcome),
    started_at=TIME,
    ended_at=TIME,
    error=ERROR,
)
SUBTASK = full(
    "Subtask",
    **RESULT["properties"],
    item=ANY,
    retry_at=TIME,
    tries={"type": "array", "items": TRY},
)
TASK = full(
    "Task",
    name=TEXT,
    summary=TEXT,
    options={"type": "object"},
    schema={
        **record(item={"type": "object"}, kwargs={"type": "object"}),
        "description": "JSON Schema of item and kwargs, as far as the task's annotations tell",
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
