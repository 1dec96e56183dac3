"""What was asked, the items of it, and the tries that went wrong.

Payloads and results are JSON *text*: the machine that made the text is the last to encode it.
What is long is stored elsewhere, and the column holds a reference (jobs/domain/references.py).
"""

from django.db import models
from django.utils import timezone

from jobs.domain.references import MARK
from jobs.domain.states import JOB_OPEN, OPEN, JobState, Kept, OnError, Outcome, Role, SubtaskState


def _choices(words: type) -> list[tuple[str, str]]:
    return [(str(word), str(word)) for word in words]  # type: ignore[attr-defined]


def _large(table: str, *columns: str) -> list[models.Index]:
    """Small indexes of what is stored elsewhere: the sweep asks whether anything refers to it."""
    return [
        models.Index(
            fields=[column],
            name=f"{table}_large_{column}",
            condition=models.Q(**{f"{column}__startswith": MARK}),
        )
        for column in columns
    ]


class JobQuerySet(models.QuerySet["Job"]):
    """Adjectives and the guarded move."""

    def open(self) -> "JobQuerySet":
        """Jobs that have not ended."""
        return self.filter(state__in=JOB_OPEN)

    def move(
        self, job_id: str, *, from_: frozenset[JobState], to: JobState, **also: object
    ) -> bool:
        """Change the state if it is one of `from_`; False if somebody else was first."""
        return self.filter(pk=job_id, state__in=from_).update(state=to, **also) == 1


class Job(models.Model):
    """One request: a task, its items, and how to run them."""

    id = models.CharField(primary_key=True, max_length=40)
    task = models.CharField(max_length=200)
    state = models.CharField(max_length=12, choices=_choices(JobState), default=JobState.QUEUED)
    queue = models.CharField(max_length=64)
    priority = models.PositiveSmallIntegerField(default=5, help_text="0 to 10; 10 goes first")
    kwargs = models.TextField(default="{}", help_text="JSON")
    reduce = models.CharField(max_length=200, blank=True)
    reduction = models.JSONField(
        null=True, blank=True, help_text="how the reduction is run, by its own task's options"
    )
    timeout = models.FloatField(help_text="seconds that one subtask may run")
    retries = models.PositiveSmallIntegerField()
    backoff = models.JSONField(default=list)
    idempotent = models.BooleanField(default=True)
    at_most_once = models.BooleanField(default=False)
    requires = models.JSONField(default=dict, blank=True)
    on_error = models.CharField(max_length=10, choices=_choices(OnError), default=OnError.COLLECT)
    labels = models.JSONField(default=dict, blank=True)
    depends_on = models.JSONField(default=list, blank=True)
    webhook = models.URLField(max_length=500, blank=True, default="")
    cache_for = models.FloatField(default=0)
    not_before = models.DateTimeField(null=True, blank=True)
    deadline = models.DateTimeField(null=True, blank=True)
    total = models.PositiveIntegerField(default=0)
    running = models.PositiveIntegerField(default=0, help_text="seconds old")
    succeeded = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    cancelled = models.PositiveIntegerField(default=0)
    result = models.TextField(
        null=True, blank=True, help_text="JSON, of the reduction or only item"
    )
    error = models.TextField(null=True, blank=True, help_text="JSON: type, message, traceback")
    codec = models.CharField(max_length=10, default="json", db_default="json")
    task_version = models.CharField(
        max_length=64, blank=True, default="", db_default="", help_text="for cached results"
    )
    kept = models.CharField(
        max_length=5,
        choices=_choices(Kept),
        default=Kept.ALL,
        db_default=Kept.ALL.value,
        help_text="what retention has left of it",
    )
    workflow = models.CharField(
        max_length=40, blank=True, default="", db_default="", help_text="which it belongs to"
    )
    name = models.CharField(
        max_length=100, blank=True, default="", db_default="", help_text="its name there"
    )
    spawned_by = models.CharField(
        max_length=60, blank=True, default="", db_default="", help_text="the subtask that asked"
    )
    rounds = models.PositiveSmallIntegerField(
        default=1, help_text="one more for each retry by hand"
    )
    submitted_by = models.CharField(max_length=150, blank=True)
    traceparent = models.CharField(
        max_length=55, blank=True, default="", db_default="", help_text="the span of its submission"
    )
    created_at = models.DateTimeField(default=timezone.now)
    ready_at = models.DateTimeField(
        null=True, blank=True, help_text="since when its parents, or a retry, let it go"
    )
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["state", "id"]),
            models.Index(fields=["task", "id"]),
            models.Index(fields=["queue", "id"]),
            models.Index(fields=["finished_at"]),
            # Small: jobs that ended and still have their results. Retention reads it.
            models.Index(
                fields=["finished_at"],
                name="job_with_results",
                condition=models.Q(finished_at__isnull=False) & ~models.Q(kept=Kept.ROW.value),
            ),
            *_large("job", "kwargs", "result"),
            models.Index(
                fields=["workflow"], name="job_workflow", condition=~models.Q(workflow="")
            ),
        ]

    def __str__(self) -> str:
        return self.id


class Subtask(models.Model):
    """One item of a job. `attempt` is the newest attempt that was closed, whatever its outcome."""

    id = models.BigAutoField(primary_key=True)
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="subtasks", db_index=False)
    index = models.PositiveIntegerField()
    role = models.CharField(max_length=6, choices=_choices(Role), default=Role.MAP)
    state = models.CharField(
        max_length=11, choices=_choices(SubtaskState), default=SubtaskState.WAITING
    )
    item = models.TextField(help_text="JSON")
    result = models.TextField(null=True, blank=True, help_text="JSON")
    error = models.TextField(null=True, blank=True, help_text="JSON: type, message, traceback")
    node = models.CharField(max_length=64, blank=True)
    attempt = models.BigIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(default=0)
    errors = models.PositiveSmallIntegerField(default=0)
    crashes = models.PositiveSmallIntegerField(default=0)
    losses = models.PositiveSmallIntegerField(default=0)
    retry_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    placed = models.CharField(
        max_length=200, blank=True, default="", db_default="", help_text="why it ran where it did"
    )
    seq = models.BigIntegerField(
        default=0, db_default=0, help_text="which batch of records ended it; these only grow"
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "index"], name="one_item_per_index")]
        indexes = [
            # Small for ever: only what has not ended. The Foreman reads its backlog from here.
            models.Index(
                fields=["job", "index"],
                name="subtask_open",
                condition=models.Q(state__in=sorted(OPEN)),
            ),
            # Small too: what a grid cannot tell from what ended or has not begun.
            models.Index(
                fields=["job", "index"],
                name="subtask_astir",
                condition=models.Q(state__in=["queued", "running", "retrying"]),
            ),
            # What followers of a job read: the ends, in the order in which they were recorded.
            models.Index(
                fields=["job", "seq", "id"], name="subtask_ended", condition=models.Q(seq__gt=0)
            ),
            *_large("subtask", "item", "result"),
        ]

    def __str__(self) -> str:
        return f"{self.job_id}[{self.index}]"


class Attempt(models.Model):
    """One try at a subtask that was not a plain first success."""

    id = models.BigIntegerField(primary_key=True)
    subtask = models.ForeignKey(Subtask, on_delete=models.CASCADE, related_name="tries")
    number = models.PositiveSmallIntegerField()
    node = models.CharField(max_length=64, blank=True)
    outcome = models.CharField(max_length=9, choices=_choices(Outcome))
    error = models.TextField(null=True, blank=True, help_text="JSON: type, message, traceback")
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["subtask_id", "number"]
        # What went wrong on a node, in the order of time.
        indexes = [models.Index(fields=["node", "id"], name="attempt_of_node")]

    def __str__(self) -> str:
        return f"try {self.number} of {self.subtask_id}"
