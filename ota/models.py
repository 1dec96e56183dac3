"""The Nexus's records of releases, of their delivery to nodes, and of what came of it."""

from django.db import models
from django.utils import timezone

from hive_site.kernel.ids import new_id
from ota.domain.states import (
    ACTIVE_ROLLOUTS,
    Channel,
    DeploymentState,
    ReleaseState,
    RolloutState,
    Strategy,
)


def _choices(words: type) -> list[tuple[str, str]]:
    return [(str(word), str(word)) for word in words]  # type: ignore[attr-defined]


def new_rollout_id() -> str:
    """The name of a rollout that is about to be made."""
    return new_id("rollout")


#: What the first migration calls it.
_new_rollout_id = new_rollout_id


class Release(models.Model):
    """One version of the code that Spores run, as a package that does not change any more."""

    version = models.CharField(max_length=64, unique=True)
    channel = models.CharField(max_length=8, choices=_choices(Channel), default=Channel.DEV)
    seq = models.PositiveIntegerField(help_text="grows with every release of a channel")
    state = models.CharField(
        max_length=12, choices=_choices(ReleaseState), default=ReleaseState.PUBLISHED
    )
    sha256 = models.CharField(max_length=64, unique=True, help_text="of the package")
    size = models.BigIntegerField(help_text="bytes of the package")
    unpacked_size = models.BigIntegerField(help_text="bytes on a node's disk")
    file_count = models.PositiveIntegerField()
    environment = models.CharField(
        max_length=64, blank=True, help_text="SHA-256 of what it needs installed"
    )
    signed_by = models.JSONField(default=list, help_text="ids of the keys that signed for it")
    published_by = models.CharField(max_length=150, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["channel", "seq"], name="one_release_per_seq"),
        ]

    def __str__(self) -> str:
        return self.version

    @property
    def target(self) -> str:
        """What its package is called in the signed metadata."""
        return f"{self.channel}/hive-{self.seq:06d}-{self.version}.zip"


class Rollout(models.Model):
    """The delivery of one release to nodes, wave by wave."""

    id = models.CharField(primary_key=True, max_length=40, default=new_rollout_id)
    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="rollouts")
    strategy = models.CharField(max_length=16, choices=_choices(Strategy), default=Strategy.FAST)
    terms = models.JSONField(default=dict, help_text="the strategy's figures, as they were then")
    selector = models.JSONField(default=dict, blank=True, help_text="labels that nodes must have")
    state = models.CharField(
        max_length=24, choices=_choices(RolloutState), default=RolloutState.DRAFT
    )
    reason = models.CharField(max_length=300, blank=True, help_text="why it is in this state")
    wave = models.PositiveIntegerField(default=0, help_text="the wave that is under way, from 0")
    waves = models.JSONField(default=list, help_text="per wave: state, and since when")
    created_by = models.CharField(max_length=150, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(
                fields=["state"],
                name="open_rollouts",
                condition=models.Q(state__in=sorted(ACTIVE_ROLLOUTS)),
            )
        ]

    def __str__(self) -> str:
        return self.id


class Deployment(models.Model):
    """What one rollout does to one node."""

    rollout = models.ForeignKey(Rollout, on_delete=models.CASCADE, related_name="deployments")
    node = models.CharField(max_length=64)
    wave = models.PositiveIntegerField(default=0)
    state = models.CharField(
        max_length=12, choices=_choices(DeploymentState), default=DeploymentState.PENDING
    )
    open = models.BooleanField(default=True, help_text="the rollout still decides for this node")
    from_version = models.CharField(max_length=64, blank=True)
    from_sha256 = models.CharField(max_length=64, blank=True, help_text="empty: its own code")
    code = models.CharField(max_length=32, blank=True, help_text="what kind of failure")
    reason = models.CharField(max_length=500, blank=True)
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["rollout_id", "wave", "node"]
        constraints = [
            models.UniqueConstraint(fields=["rollout", "node"], name="one_deployment_per_node"),
            models.UniqueConstraint(
                fields=["node"], name="one_rollout_at_a_time", condition=models.Q(open=True)
            ),
        ]
        # Whoever reports asks for the newest of its own.
        indexes = [models.Index(fields=["node"], name="deployments_of_node")]

    def __str__(self) -> str:
        return f"{self.rollout_id} {self.node} {self.state}"


class Home(models.Model):
    """One node's managed home: what is wanted of it, and what its launcher said last."""

    node = models.CharField(primary_key=True, max_length=64)
    # What is wanted. `rev` grows with every change of it.
    rev = models.PositiveIntegerField(default=0)
    wanted = models.ForeignKey(
        Release, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    wanted_own = models.BooleanField(default=False, help_text="wanted: its own code, no release")
    activate = models.BooleanField(default=False, help_text="else: only bring it there")
    terms = models.JSONField(default=dict, help_text="how: seconds of probation and of hand-over")
    # What it said.
    phase = models.CharField(max_length=16, blank=True)
    active = models.CharField(max_length=64, blank=True, help_text="SHA-256; empty: its own code")
    active_version = models.CharField(max_length=64, blank=True)
    previous = models.CharField(max_length=64, blank=True)
    previous_version = models.CharField(max_length=64, blank=True)
    staged = models.CharField(max_length=64, blank=True)
    report = models.JSONField(default=dict, help_text="the whole of it")
    reported_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["node"]

    def __str__(self) -> str:
        return f"{self.node} {self.active_version} {self.phase}"


class OtaEvent(models.Model):
    """What happened, in order; each row's hash covers the one before, so that none can go.

    Whoever sees it happen writes the row, and the Foreman appends it to the chain (ota/chain.py).
    """

    at = models.DateTimeField(default=timezone.now)
    rollout = models.ForeignKey(
        Rollout, null=True, blank=True, on_delete=models.SET_NULL, related_name="events"
    )
    release = models.CharField(max_length=64, blank=True)
    node = models.CharField(max_length=64, blank=True)
    who = models.CharField(max_length=150, blank=True, help_text="empty: the Foreman")
    what = models.CharField(max_length=32)
    reason = models.CharField(max_length=500, blank=True)
    place = models.PositiveBigIntegerField(
        null=True, blank=True, unique=True, help_text="in the chain; the Foreman appends it"
    )
    hash = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.what} {self.node or self.release or self.rollout_id}"


class ChainAnchor(models.Model):
    """Where the chain of events begins by now: the last one that was forgotten. One row, or none.

    An event tells the same (ota/retention.py), so that nobody moves it unseen.
    """

    place = models.PositiveBigIntegerField(default=0)
    hash = models.CharField(max_length=64, blank=True)

    def __str__(self) -> str:
        return f"events up to {self.place}, {self.hash}"


class Answered(models.Model):
    """A POST that made something: the same Idempotency-Key with the same body makes it but once."""

    caller = models.CharField(max_length=150)
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of what it came with")
    made = models.CharField(max_length=64, help_text="what it made: a rollout, or a version")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["caller", "key"], name="one_update_per_key"),
        ]

    def __str__(self) -> str:
        return self.key
