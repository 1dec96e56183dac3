"""The Nexus's records of machines, of who leads them, and of who may talk to it."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from nodes.domain.commands import Command
from nodes.domain.happenings import What
from nodes.domain.states import Intent, NodeState
from nodes.joining_models import Invite, NodeCredential

#: Django looks for models only here.
__all__ = ["Invite", "NodeCredential"]


def _choices(words: type) -> list[tuple[str, str]]:
    return [(str(word), str(word)) for word in words]  # type: ignore[attr-defined]


class Node(models.Model):
    """One machine on which a Spore runs, as the Foreman last saw it."""

    name = models.CharField(max_length=64, unique=True)
    state = models.CharField(max_length=12, choices=_choices(NodeState), default=NodeState.ONLINE)
    intent = models.CharField(max_length=8, choices=_choices(Intent), default=Intent.WORK)
    incarnation = models.CharField(max_length=32, blank=True, help_text="changes at every start")
    slots = models.PositiveIntegerField(default=1, help_text="what runs at once")
    wanted_slots = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="set by an operator; empty: what the Spore was started with",
    )
    own_labels = models.JSONField(default=dict, blank=True, help_text="set where the Spore starts")
    set_labels = models.JSONField(
        default=dict, blank=True, help_text="set by an operator; these win"
    )
    capabilities = models.JSONField(default=list, blank=True)
    gpus = models.JSONField(default=list, blank=True)
    cpu = models.FloatField(default=0, help_text="0 to 1")
    memory = models.FloatField(default=0, help_text="0 to 1")
    release = models.CharField(max_length=64, blank=True)
    agent_version = models.CharField(max_length=32, blank=True)
    platform = models.CharField(max_length=128, blank=True)
    reason = models.CharField(max_length=200, blank=True, help_text="why it is in this state")
    losses = models.JSONField(
        default=list, blank=True, help_text="when it was lost without a goodbye, Unix seconds"
    )
    forgiven_at = models.DateTimeField(
        null=True, blank=True, help_text="losses before this do not count: its operator resumed it"
    )
    last_seen = models.DateTimeField(null=True, blank=True)
    enrolled_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def labels(self) -> dict[str, str]:
        """The labels that placement sees."""
        return {**self.own_labels, **self.set_labels}


class Lease(models.Model):
    """Who leads. One row; its epoch only ever grows."""

    holder = models.CharField(max_length=128, blank=True)
    epoch = models.BigIntegerField(default=0)
    expires_at = models.DateTimeField(null=True)
    boot_key = models.CharField(max_length=32, blank=True, help_text="which Redis memory this is")

    def __str__(self) -> str:
        return f"epoch {self.epoch}, held by {self.holder or 'nobody'}"


class NodeEvent(models.Model):
    """Something that became of a node, and why. The newest few hundred of each are kept."""

    node = models.CharField(max_length=64)
    at = models.DateTimeField()
    what = models.CharField(max_length=12, choices=_choices(What))
    reason = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["node", "-id"], name="newest_of_node")]

    def __str__(self) -> str:
        return f"{self.node} {self.what}"


class HistoryChunk(models.Model):
    """A part of what is remembered of one scope: an hour or a day, less where leaders changed."""

    scope = models.CharField(max_length=80, help_text="cluster, queue/NAME or node/NAME")
    step = models.PositiveSmallIntegerField(help_text="seconds of one interval")
    start = models.BigIntegerField(help_text="of its first interval, Unix seconds")
    data = models.BinaryField(help_text="as nodes/domain/series.py packs it")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["scope", "step", "start"], name="one_chunk_per_start")
        ]
        # Whoever deletes what is too old asks for that.
        indexes = [models.Index(fields=["step", "start"], name="oldest_chunks")]

    def __str__(self) -> str:
        return f"{self.scope} by {self.step} s from {self.start}"


class ReportCursor(models.Model):
    """How far the reports of one node were recorded; moves in the recording transaction."""

    node = models.CharField(max_length=64, primary_key=True)
    entry = models.CharField(max_length=40, default="0")

    def __str__(self) -> str:
        return f"{self.node} {self.entry}"


class Broadcast(models.Model):
    """Something that an operator called out to nodes. The newest few hundred are kept."""

    id = models.CharField(primary_key=True, max_length=40)
    command = models.CharField(max_length=16, choices=_choices(Command))
    nodes = models.JSONField(default=list, help_text="whom it was for")
    data = models.TextField(default="{}", help_text="JSON")
    submitted_by = models.CharField(max_length=150, blank=True)
    idempotency_key = models.CharField(max_length=255, blank=True)
    fingerprint = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["submitted_by", "idempotency_key"],
                name="one_broadcast_per_key",
                condition=~models.Q(idempotency_key=""),
            )
        ]

    def __str__(self) -> str:
        return f"{self.command} {self.id}"


class Acknowledgement(models.Model):
    """What one node answered to a broadcast; a node without one has not answered yet."""

    broadcast = models.ForeignKey(
        Broadcast, on_delete=models.CASCADE, related_name="acknowledgements"
    )
    node = models.CharField(max_length=64)
    ok = models.BooleanField()
    at = models.DateTimeField(help_text="when it reached Redis")
    data = models.TextField(default="{}", help_text="JSON")

    class Meta:
        ordering = ["node"]
        constraints = [
            models.UniqueConstraint(fields=["broadcast", "node"], name="one_answer_per_node")
        ]

    def __str__(self) -> str:
        return f"{self.node}: {'ok' if self.ok else 'refused'}"


class ApiKey(models.Model):
    """A key for the REST API. Only its SHA-256 is kept: 256 random bits need no slow hash."""

    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=16, help_text="its first letters, to tell keys apart")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    scopes = models.JSONField(default=list, help_text='some of "submit", "read", "control", "ota"')
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "API key"
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class LoginLink(models.Model):
    """A link that logs in once; only the SHA-256 of its token is kept."""

    digest = models.CharField(max_length=64, unique=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"for {self.user_id}, until {self.expires_at:%Y-%m-%d %H:%M}"
