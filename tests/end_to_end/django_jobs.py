"""Tasks of Django's tasks framework, as any Django project writes them."""

from django_tasks import task


class Refused(Exception):
    pass


@task()
def add(a, b=1):
    return a + b


@task(priority=100, queue_name="high_priority")
def urgent():
    return "done"


@task(takes_context=True)
def who(context, *, greeting):
    result = context.task_result
    return [greeting, context.attempt, result.id, result.status.value, result.worker_ids]


@task()
async def later(text):
    return text.upper()


@task()
def break_down(kind):
    if kind == "own":
        raise Refused("not today")
    if kind == "object":
        return object()
    raise ValueError(kind)


@task()
def pair():
    return (1, {"a": (2,)})


@task()
def sleep(seconds):
    import time

    time.sleep(seconds)


def plain():
    """No task; nobody may call it from outside."""
    raise AssertionError("it was called")
