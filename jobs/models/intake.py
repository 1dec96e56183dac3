"""How work comes in: keys that make a POST safe to repeat, and the two queues."""

from django.db import models
from django.utils import timezone

from jobs.models.work import Job


class IdempotencyKey(models.Model):
    """A POST that was answered; the same key with the same body gets the same answer."""

    key = models.CharField(max_length=255)
    caller = models.CharField(max_length=150)
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of method, path and body")
    job = models.ForeignKey(Job, on_delete=models.CASCADE, null=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["caller", "key"], name="one_answer_per_key")]

    def __str__(self) -> str:
        return self.key


class Queue(models.Model):
    """A queue of waiting work that an operator may pause. A queue without a row is open."""

    name = models.CharField(max_length=64, primary_key=True)
    paused = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.name
