"""JSON Schema of schedules, for the OpenAPI document."""

from jobs.api.shapes import JOB_WISH
from jobs.domain.cron import Missed, Overlap
from nodes.api.shapes import FLAG, NUMBER, TEXT, TIME, full, one_of, record

SCHEDULED_JOB = {
    **JOB_WISH,
    "title": "ScheduledJob",
    "properties": {
        **JOB_WISH["properties"],
        "deadline": {**NUMBER, "nullable": True, "description": "seconds from its submission"},
    },
}
SCHEDULE_CHANGE = {
    **record(
        cron={**TEXT, "example": "30 6 * * MON-FRI"},
        timezone={**TEXT, "default": "UTC", "example": "Europe/Berlin"},
        job=SCHEDULED_JOB,
        enabled={**FLAG, "default": True},
        missed={**one_of(*Missed), "default": Missed.ONCE.value},
        overlap={**one_of(*Overlap), "default": Overlap.ALLOW.value},
        next_run_at=TIME,
    ),
    "title": "ScheduleChange",
    "additionalProperties": False,
}
SCHEDULE_WISH = {
    **SCHEDULE_CHANGE,
    "title": "ScheduleWish",
    "properties": {"name": TEXT, **SCHEDULE_CHANGE["properties"]},
    "required": ["name", "cron", "job"],
    "example": {"name": "nightly", "cron": "0 2 * * *", "job": {"task": "demo.echo"}},
}
SCHEDULE = full(
    "Schedule",
    **SCHEDULE_WISH["properties"],
    last_run_at=TIME,
    last_job={**TEXT, "nullable": True},
    note=TEXT,
    submitted_by=TEXT,
    created_at=TIME,
    links={"type": "object", "additionalProperties": TEXT},
)
