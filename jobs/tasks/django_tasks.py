"""Runs what Django's tasks framework enqueued (`jobs.django_tasks`). Nothing is imported by name:
only tasks run that a module with tasks holds, `tasks.py` of an app or one of HIVE_TASK_MODULES."""

import sys
import traceback
from functools import cache
from typing import TYPE_CHECKING, Any

from jobs.outcomes import Fail
from jobs.registry import task
from jobs.spore.context import Context

if TYPE_CHECKING:
    from jobs.tasks_framework import Task, TaskResult

NAME = "django.task"


# Django's tasks are tried once, and never twice at a time: nobody said that they may be.
@task(NAME, retries=0, idempotent=False)
def run(ctx: Context, item: dict[str, Any]) -> Any:
    """Call a task of Django's tasks framework."""
    try:
        from jobs import tasks_framework as django
    except ImportError as error:
        raise Fail(f"{error}; this needs django-tasks, or Django 6") from error
    found = _find(item)
    result = _running(found, ctx, item)
    sender = type(found.get_backend())
    django.task_started.send(sender=sender, task_result=result)
    try:
        context = [django.TaskContext(task_result=result)] if found.takes_context else []
        value = django.normalize_json(found.call(*context, *result.args, **result.kwargs))
    except BaseException as error:
        path = f"{type(error).__module__}.{type(error).__qualname__}"
        text = "".join(traceback.format_exception(error))
        result.errors.append(django.TaskError(exception_class_path=path, traceback=text))
        _finish(result, django.TaskResultStatus.FAILED)
        django.task_finished.send(sender=sender, task_result=result)
        raise
    object.__setattr__(result, "_return_value", value)
    _finish(result, django.TaskResultStatus.SUCCESSFUL)
    django.task_finished.send(sender=sender, task_result=result)
    return value


@cache
def known_django_tasks() -> dict[str, "Task"]:
    """Every task of the framework in the modules with tasks, by its dotted path.

    What is not imported yet has none: a Spore imports all of them when it starts.
    """
    from django.apps import apps
    from django.conf import settings

    from jobs.tasks_framework import Task

    names = [f"{app.name}.tasks" for app in apps.get_app_configs()]
    names += getattr(getattr(settings, "HIVE", None), "task_modules", [])
    modules = [sys.modules[name] for name in names if name in sys.modules]
    found = [value for module in modules for value in vars(module).values()]
    return {value.module_path: value for value in found if isinstance(value, Task)}


def _find(item: Any) -> "Task":
    try:
        path, _, _ = item["task"], [*item["args"]], {**item["kwargs"]}
        return known_django_tasks()[path]
    except KeyError as error:
        way = "give its module in HIVE_TASK_MODULES, or make it the tasks.py of an app"
        raise Fail(f"no task of Django's is at {error}; {way}") from error
    except TypeError as error:
        raise Fail(f'give {{"task": path, "args": […], "kwargs": {{…}}}}: {error}') from error


def _running(found: "Task", ctx: Context, item: dict[str, Any]) -> "TaskResult[Any]":
    from django.utils import timezone

    from jobs.tasks_framework import TaskResult, TaskResultStatus

    now = timezone.now()
    return TaskResult(
        task=found,
        id=ctx.job_id,
        status=TaskResultStatus.RUNNING,
        enqueued_at=None,
        started_at=now,
        finished_at=None,
        last_attempted_at=now,
        args=item["args"],
        kwargs=item["kwargs"],
        backend=found.backend,
        errors=[],
        worker_ids=[ctx.node] * ctx.attempt,
    )


def _finish(result: "TaskResult[Any]", status: Any) -> None:
    from django.utils import timezone

    object.__setattr__(result, "finished_at", timezone.now())
    object.__setattr__(result, "status", status)
