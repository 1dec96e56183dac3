"""A backend for Django's tasks framework: `task.enqueue()` of any Django project runs on the Hive.

TASKS = {
    "default": {
        "BACKEND": "jobs.django_tasks.HiveBackend",
        "OPTIONS": {"url": "http://nexus:8000", "key": "hive_…"},
    }
}

Without a `url` it works on the database of the Nexus, in the transaction of the caller.
"""

import re
import sys
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from jobs.django_results import read_moment, task_result
from jobs.tasks.django_tasks import NAME, known_django_tasks
from jobs.tasks_framework import (
    BaseTaskBackend,
    InvalidTaskError,
    Task,
    TaskResult,
    TaskResultDoesNotExist,
    normalize_json,
    task_enqueued,
)

if TYPE_CHECKING:
    from jobs.client import Hive

OPTIONS = {"url", "key", "queues", "retries", "timeout"}
JOB_ID = re.compile(r"job_\w{1,36}", re.ASCII)


class HiveBackend(BaseTaskBackend):
    """Tasks as jobs of one item. OPTIONS: `url` and `key` of a Nexus; `queues`, names of queues and
    which queue of the Hive each is; `retries` and `timeout` of every task."""

    supports_defer = True
    supports_async_task = True
    supports_get_result = True
    supports_priority = True

    def __init__(self, alias: str, params: dict[str, Any]) -> None:
        super().__init__(alias, params)
        unknown = set(self.options) - OPTIONS
        if unknown or bool(self.options.get("url")) != bool(self.options.get("key")):
            wrong = f"{', '.join(sorted(unknown))}: no option" if unknown else "url, key: give both"
            rule = f"there are {', '.join(sorted(OPTIONS))}"
            raise ImproperlyConfigured(f"TASKS[{alias!r}]['OPTIONS']: {wrong}; {rule}")

    @cached_property
    def _shelf(self) -> "_Shelf":
        if self.options.get("url"):
            from jobs.client import Hive

            return _Remote(Hive(self.options["url"], self.options["key"]))
        return _Here()

    def enqueue(self, task: Task, args: Any, kwargs: Any) -> TaskResult[Any]:
        """Submit a task. Raises `InvalidTaskError` for what the Hive refuses, `TypeError` for
        arguments that are not JSON."""
        self.validate_task(task)
        item = {
            "task": task.module_path,
            "args": normalize_json(args),
            "kwargs": normalize_json(kwargs),
            "queue_name": task.queue_name,
            "priority": task.priority,
            "run_after": task.run_after.isoformat() if task.run_after else None,
        }
        job = self._shelf.submit({"task": NAME, "items": [item], **self._wish(task)})
        result = task_result(self.alias, task, item, job, {})
        task_enqueued.send(type(self), task_result=result)
        return result

    def get_result(self, result_id: str) -> TaskResult[Any]:
        """The task as it is now. Raises `TaskResultDoesNotExist`."""
        found = self._shelf.find(result_id) if JOB_ID.fullmatch(str(result_id)) else None
        if found is None or found[0]["task"] != NAME:
            raise TaskResultDoesNotExist(result_id)
        job, row = found
        item = row["item"]
        task = replace(
            _find_task(item["task"]),
            backend=self.alias,
            queue_name=item["queue_name"],
            priority=item["priority"],
            run_after=read_moment(item["run_after"]),
        )
        return task_result(self.alias, task, item, job, row)

    def _wish(self, task: Task) -> dict[str, Any]:
        """The fields of a job for how a task wants to be run."""
        wish = {
            "queue": self._queue(task.queue_name),
            # -100 to 100 becomes 0 to 10
            "priority": round((task.priority + 100) / 20),
        }
        if task.run_after:
            wait = (task.run_after - timezone.now()).total_seconds()
            wish["delay"] = max(wait, 0.0)
        given = {name: self.options.get(name) for name in ("retries", "timeout")}
        return wish | {name: value for name, value in given.items() if value is not None}

    def _queue(self, name: str) -> str:
        known = {"high_priority": "high_priority", **self.options.get("queues", {})}
        return str(known.get(name, "background"))


class _Shelf(Protocol):
    """Where jobs are put and found."""

    def submit(self, wish: dict[str, Any]) -> Mapping[str, Any]:
        """The job. Raises `InvalidTaskError`."""

    def find(self, job_id: str) -> tuple[Mapping[str, Any], dict[str, Any]] | None:
        """The job and its only subtask."""


class _Remote:
    """A Nexus somewhere else."""

    def __init__(self, hive: "Hive") -> None:
        self._hive = hive

    def submit(self, wish: dict[str, Any]) -> Mapping[str, Any]:
        from jobs.client import HiveError

        try:
            return self._hive.submit(**wish)
        except HiveError as error:
            if error.status in {400, 413, 422}:
                raise InvalidTaskError(str(error)) from error
            raise

    def find(self, job_id: str) -> tuple[Mapping[str, Any], dict[str, Any]] | None:
        from jobs.client import HiveError

        try:
            job = self._hive.job(job_id)
            return job, self._hive.request("GET", f"jobs/{job_id}/subtasks/0/")
        except HiveError as error:
            if error.status == 404:
                return None
            raise


class _Here:
    """This process is the Nexus."""

    def submit(self, wish: dict[str, Any]) -> Mapping[str, Any]:
        from django.conf import settings

        from hive_site.kernel.errors import Invalid
        from jobs import selectors, services
        from jobs.validation import known_tasks

        if not settings.DATABASES.get("default", {}).get("NAME"):
            way = "give HIVE_API_KEY, so that it asks the Nexus at HIVE_NEXUS_URL"
            raise InvalidTaskError(f"there is no database on this machine; {way}")
        known_tasks()
        path = wish["items"][0]["task"]
        if path not in known_django_tasks():
            way = "give its module in HIVE_TASK_MODULES, or make it the tasks.py of an app"
            raise InvalidTaskError(f"no Spore would find {path}; {way}")
        try:
            return selectors.job_view(services.submit_job(**wish).pk)
        except Invalid as error:
            raise InvalidTaskError(f"{error.field}: {error}") from error

    def find(self, job_id: str) -> tuple[Mapping[str, Any], dict[str, Any]] | None:
        import json

        from hive_site.kernel.errors import NotFound
        from jobs import selectors

        try:
            job = selectors.job_view(job_id)
        except NotFound:
            return None
        return job, json.loads(selectors.subtask_text(selectors.get_job(job_id), 0) or "null")


def _find_task(path: str) -> Task:
    """The task of that path, if this process has imported it or an app has it."""
    from django.utils.module_loading import autodiscover_modules

    module, _, name = path.rpartition(".")
    if module not in sys.modules:
        autodiscover_modules("tasks")
    found = getattr(sys.modules.get(module), name, None)
    if not isinstance(found, Task):
        raise TaskResultDoesNotExist(f"it is of {path}, which is no task here")
    return found
