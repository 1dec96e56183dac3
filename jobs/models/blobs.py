"""Values that are too large for a row, and results that are known already."""

from django.db import models
from django.utils import timezone


class Blob(models.Model):
    """A stored text, named by its SHA-256. Its bytes lie in the storage "hive_blobs"."""

    sha256 = models.CharField(max_length=64, primary_key=True)
    size = models.PositiveBigIntegerField(help_text="bytes")
    created_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(
        default=timezone.now, db_index=True, help_text="when somebody stored it last"
    )

    def __str__(self) -> str:
        return f"{self.sha256[:12]}… ({self.size} bytes)"


class CachedResult(models.Model):
    """What a task returned for an input, for jobs that ask with `cache_for`."""

    key = models.CharField(
        max_length=64, primary_key=True, help_text="SHA-256 of task, version and input"
    )
    result = models.TextField(help_text="JSON")
    release = models.CharField(max_length=64, help_text="of the node that computed it")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["result"], name="cached_large", condition=models.Q(result__startswith="@")
            )
        ]

    def __str__(self) -> str:
        return self.key
