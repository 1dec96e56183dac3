"""What is to be told to others: the outbox of webhooks."""

from django.db import models
from django.utils import timezone

from jobs.domain.delivery import DeliveryState


class Delivery(models.Model):
    """One end of one job, told to one address. Written in the transaction that ends the job."""

    id = models.CharField(primary_key=True, max_length=40, help_text="the header webhook-id")
    # No foreign key: what was promised is kept though the job is deleted by the thousand.
    job = models.CharField(max_length=40, db_index=True)
    round = models.PositiveSmallIntegerField(help_text="which end: a retry by hand ends again")
    url = models.CharField(max_length=500)
    host = models.CharField(max_length=255, help_text="whom a slow receiver holds up")
    body = models.TextField(help_text="JSON; empty once it was delivered")
    state = models.CharField(
        max_length=9,
        choices=[(str(word), str(word)) for word in DeliveryState],
        default=DeliveryState.PENDING,
    )
    tries = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(default=timezone.now)
    status = models.PositiveSmallIntegerField(null=True, blank=True, help_text="the last answer")
    error = models.CharField(max_length=300, blank=True, help_text="why the last try failed")
    created_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [models.UniqueConstraint(fields=["job", "round"], name="one_notice_per_end")]
        indexes = [
            models.Index(
                fields=["next_at"],
                name="delivery_due",
                condition=models.Q(state=DeliveryState.PENDING),
            ),
            models.Index(fields=["ended_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.id} of {self.job}"
