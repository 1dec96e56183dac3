"""Jobs that come by the clock."""

from django.db import models
from django.utils.timezone import now

from jobs.domain.cron import Missed, Overlap


def _choices(words: type) -> list[tuple[str, str]]:
    return [(str(word), str(word)) for word in words]  # type: ignore[attr-defined]


class Schedule(models.Model):
    """A job that is submitted again and again. The Foreman submits what is due."""

    name = models.CharField(max_length=100, unique=True)
    cron = models.CharField(
        max_length=100, help_text="minute, hour, day of month, month, day of week: 30 6 * * MON-FRI"
    )
    timezone = models.CharField(max_length=64, default="UTC", help_text="like Europe/Berlin")
    job = models.TextField(help_text="JSON: what POST /api/v1/jobs/ takes")
    enabled = models.BooleanField(default=True)
    missed = models.CharField(
        max_length=4,
        choices=_choices(Missed),
        default=Missed.ONCE.value,
        help_text="of the times at which no Foreman ran: skip all, make up for one, or for all",
    )
    overlap = models.CharField(
        max_length=5,
        choices=_choices(Overlap),
        default=Overlap.ALLOW.value,
        help_text="skip: submit nothing while the last job of it has not ended",
    )
    next_run_at = models.DateTimeField(null=True, blank=True)
    last_run_at = models.DateTimeField(null=True, blank=True)
    last_job = models.CharField(max_length=40, blank=True)
    note = models.CharField(max_length=300, blank=True, help_text="why the last run was none")
    submitted_by = models.CharField(max_length=150, blank=True, help_text="whose share it uses")
    created_at = models.DateTimeField(default=now)

    class Meta:
        ordering = ["name"]
        indexes = [
            models.Index(
                fields=["next_run_at"], name="schedule_due", condition=models.Q(enabled=True)
            )
        ]

    def __str__(self) -> str:
        return self.name
