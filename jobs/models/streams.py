"""What subtasks say while they run: chunks of their logs, and partial results.

`seq` is the number of the recording transaction, as in `Subtask.seq`: followers of a job read all
three in its order. Rows of attempts that failed stay; their number tells them apart.
"""

from django.db import models

from jobs.models.work import Job, Subtask


class Said(models.Model):
    """Something that one attempt said. `attempt` is its id, `number` its number from 1."""

    id = models.BigAutoField(primary_key=True)
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="+", db_index=False)
    subtask = models.ForeignKey(Subtask, on_delete=models.CASCADE, related_name="+", db_index=False)
    attempt = models.BigIntegerField()
    number = models.PositiveSmallIntegerField()
    node = models.CharField(max_length=64)
    n = models.PositiveIntegerField(help_text="its place among what the attempt said, from 1")
    seq = models.BigIntegerField(help_text="which batch of records brought it")

    class Meta:
        abstract = True


class LogChunk(Said):
    """A piece of an attempt's log: what it printed, and what it gave to `ctx.log`."""

    text = models.TextField()

    class Meta:
        constraints = [
            # With the subtask in front it also finds the log of one.
            models.UniqueConstraint(fields=["subtask", "attempt", "n"], name="log_said_once")
        ]
        indexes = [models.Index(fields=["job", "seq", "id"], name="log_by_seq")]

    def __str__(self) -> str:
        return f"log {self.n} of attempt {self.attempt}"


class Partial(Said):
    """One value that an attempt of a generator task yielded."""

    value = models.TextField(help_text="JSON")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subtask", "attempt", "n"], name="part_said_once")
        ]
        indexes = [models.Index(fields=["job", "seq", "id"], name="part_by_seq")]

    def __str__(self) -> str:
        return f"partial result {self.n} of attempt {self.attempt}"
