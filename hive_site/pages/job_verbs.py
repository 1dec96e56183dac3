"""The verbs of jobs on their page: only those that a job's state takes."""

from hive_site.pages.verbs import Kind
from jobs.domain.states import JOB_OPEN, JobState, Kept
from jobs.models import Job
from jobs.selectors import get_job
from jobs.services.lifecycle import PAUSABLE
from jobs.services.retrying import RETRIABLE
from jobs.verbs import JOB_VERBS

KIND = Kind(name="job", place="job", at="jobs", find=get_job, verbs=JOB_VERBS)


def verbs_for(job: Job) -> list[str]:
    """The verbs that this state takes."""
    fits: dict[str, bool] = {
        "pause": job.state in PAUSABLE,
        "resume": job.state == JobState.PAUSED,
        "retry": job.state in RETRIABLE and job.kept == Kept.ALL,
        "cancel": job.state in JOB_OPEN and job.state != JobState.CANCELLING,
    }
    return [name for name, fit in fits.items() if fit]
