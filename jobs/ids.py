"""Names of jobs."""

from hive_site.kernel.ids import new_id


def new_job_id() -> str:
    """`job_` and a ULID; each is greater than the one before."""
    return new_id("job")
