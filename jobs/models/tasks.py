"""What nodes can run that the Nexus's own code does not have."""

from django.db import models


class RemoteTask(models.Model):
    """A task of a release on nodes, as they told of it; checked before it was stored."""

    name = models.CharField(max_length=200, primary_key=True)
    options = models.JSONField(default=dict)
    summary = models.CharField(max_length=200, blank=True)
    schema = models.JSONField(default=dict, blank=True)
    digest = models.CharField(max_length=64, help_text="the list in which it was seen last")
    release = models.CharField(max_length=64, blank=True, help_text="whose list that is")
    seen_at = models.DateTimeField()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
