"""Which job waits for which."""

from django.db import models

from jobs.domain.graph import Feed
from jobs.models.work import Job


class Edge(models.Model):
    """A job that waits for another one. No constraint ties it to them: either may be forgotten."""

    child = models.ForeignKey(
        Job, models.DO_NOTHING, related_name="edges", db_constraint=False, db_index=False
    )
    parent = models.ForeignKey(
        Job, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    name = models.CharField(max_length=100, blank=True, help_text="of the parent, in a workflow")
    allow_failure = models.BooleanField(default=False)
    feeds = models.CharField(
        max_length=5,
        blank=True,
        choices=[(str(feed), str(feed)) for feed in Feed],
        help_text="what the child takes of the parent's results",
    )
    passed = models.BooleanField(default=False, help_text="the child waits no longer")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["child", "parent"], name="one_edge")]
        indexes = [
            # Small for ever: whoever ends looks here for those that wait for it.
            models.Index(fields=["parent"], name="edge_waiting", condition=models.Q(passed=False)),
        ]

    def __str__(self) -> str:
        return f"{self.child_id} after {self.parent_id}"
