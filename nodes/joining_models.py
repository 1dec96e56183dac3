"""The Nexus's records of who may join, and of the keys of those who did."""

from django.db import models
from django.utils import timezone


class NodeCredential(models.Model):
    """By what a name is known; stays when its node is forgotten, so that no old key works again."""

    name = models.CharField(max_length=64, unique=True)
    generation = models.PositiveIntegerField(
        default=1, help_text="grows with every invitation used; keys of earlier ones are dead"
    )
    invited_by = models.CharField(max_length=150, blank=True)
    joined_at = models.DateTimeField(null=True, blank=True)
    joined_from = models.CharField(max_length=64, blank=True, help_text="the address it came from")
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.CharField(max_length=150, blank=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return f"{self.name}, generation {self.generation}"


class Invite(models.Model):
    """Lets one machine join, once. Only the SHA-256 of its token is kept."""

    digest = models.CharField(max_length=64, unique=True, editable=False)
    name = models.CharField(max_length=48, blank=True, help_text="empty: the machine says it")
    slots = models.PositiveIntegerField(null=True, blank=True, help_text="what runs at once")
    labels = models.JSONField(default=dict, blank=True)
    capabilities = models.JSONField(default=list, blank=True)
    channels = models.JSONField(default=list, blank=True, help_text="whose releases it runs")
    made_by = models.CharField(max_length=150, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    used_at = models.DateTimeField(null=True, blank=True)
    node = models.CharField(max_length=48, blank=True, help_text="who joined with it")
    #: The SHA-256 of a number that the machine chose by chance: it may ask again, nobody else may.
    nonce = models.CharField(max_length=64, blank=True, editable=False)
    generation = models.PositiveIntegerField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["-created_at"]
        verbose_name = "invitation"

    def __str__(self) -> str:
        return f"for {self.name or 'any name'}, until {self.expires_at:%Y-%m-%d %H:%M}"
