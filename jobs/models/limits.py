"""What an operator allows a task in the whole cluster."""

from django.core.exceptions import ValidationError
from django.db import models

from jobs.domain.limits import MOST, PERIODS, read_rate


class TaskLimit(models.Model):
    """Limits of one task, instead of those in its code. Empty: no limit."""

    task = models.CharField(max_length=200, primary_key=True)
    rate = models.CharField(
        max_length=20,
        blank=True,
        help_text=f"starts in a period, like 10/second ({', '.join(PERIODS)}); empty: no limit",
    )
    concurrency = models.PositiveIntegerField(
        null=True, blank=True, help_text=f"how many run at once, 1 to {MOST:,}; empty: no limit"
    )

    class Meta:
        ordering = ["task"]

    def __str__(self) -> str:
        return self.task

    def clean(self) -> None:
        """Raises `ValidationError` for a rate that is none."""
        try:
            read_rate(self.rate)
        except ValueError as error:
            raise ValidationError({"rate": str(error)}) from error
        if self.concurrency is not None and not 1 <= self.concurrency <= MOST:
            raise ValidationError({"concurrency": f"give 1 to {MOST:,}, or nothing"})
