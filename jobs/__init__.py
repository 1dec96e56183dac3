"""Jobs: what was asked, its subtasks, and the tasks that run them."""

from jobs.outcomes import Fail, Retry
from jobs.registry import task

__all__ = ["Fail", "Retry", "task"]
