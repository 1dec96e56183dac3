"""`task.enqueue()` of Django's tasks framework: on the Nexus, and in a project elsewhere."""

import json
import subprocess
import sys

import pytest

from hive_site.configuration import PROJECT
from tests.end_to_end.colony import clean_environment

pytestmark = pytest.mark.processes
#: A project that knows nothing of the Hive but the backend, and has no database.
PROJECT_OF_SOMEBODY_ELSES = """
import json, sys, time
import django
from django.conf import settings

url, key = sys.argv[1:3]
settings.configure(
    USE_TZ=True,
    TASKS={"default": {
        "BACKEND": "jobs.django_tasks.HiveBackend",
        "QUEUES": [],
        "OPTIONS": {"url": url, "key": key, "timeout": 60},
    }},
)
django.setup()
"""
WAIT = """
from datetime import datetime, timedelta, timezone
from django_tasks import default_task_backend as backend
from tests.end_to_end import django_jobs

def ended(result):
    end = time.monotonic() + 30
    while not result.is_finished and time.monotonic() < end:
        result.refresh()
        time.sleep(0.02)
    return result

def facts(result):
    found = result.task.get_result(result.id)
    assert found.status == result.status, (found, result)
    return {
        "id": result.id,
        "status": result.status.value,
        "value": result._return_value,
        "errors": [[e.exception_class_path, e.traceback] for e in result.errors],
        "workers": result.worker_ids,
        "attempts": result.attempts,
        "times": [bool(t) for t in (result.enqueued_at, result.started_at, result.finished_at)],
        "args": [result.args, result.kwargs],
        "priority": result.task.priority,
        "queue": result.task.queue_name,
    }
"""
SCRIPT = """
waiting = {
    "add": django_jobs.add.enqueue(1, b=2),
    "urgent": django_jobs.urgent.enqueue(),
    "who": django_jobs.who.enqueue(greeting="hello"),
    "later": django_jobs.later.enqueue("bee"),
    "own": django_jobs.break_down.enqueue("own"),
    "value": django_jobs.break_down.enqueue("value"),
    "object": django_jobs.break_down.enqueue("object"),
    "pair": django_jobs.pair.enqueue(),
}
fresh = {name: result.status.value for name, result in waiting.items()}
soon = django_jobs.add.using(
    run_after=datetime.now(timezone.utc) + timedelta(seconds=1), queue_name="reports", priority=-100
).enqueue(5)
found = {name: facts(ended(result)) for name, result in waiting.items()}
found["own"]["class"] = waiting["own"].errors[0].exception_class.__name__
early = soon.status.value
found["soon"] = facts(ended(soon))
print(json.dumps({"fresh": fresh, "early": early, "found": found}))
"""


def python(code, *argv, **env):
    script = [sys.executable, "-c", code, *argv]
    ran = subprocess.run(
        script,
        cwd=PROJECT,
        env=clean_environment(**env),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.fixture(scope="module", params=["elsewhere", "on the Nexus"])
def told(request, colony):
    """What became of each task, enqueued from there."""
    ready = colony.stack.ready
    if request.param == "elsewhere":
        code = PROJECT_OF_SOMEBODY_ELSES + WAIT + SCRIPT
        return json.loads(python(code, ready["nexus"], ready["api_key"]))
    code = "import json, time\n" + WAIT + SCRIPT
    ran = colony.manage("shell", "-v", "0", "-c", code)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


@pytest.fixture
def found(told):
    return told["found"]


def test_a_task_is_ready_when_it_was_enqueued(told):
    assert set(told["fresh"].values()) == {"READY"}


def test_a_task_runs_with_its_arguments_and_gives_its_value(found, colony):
    add = found["add"]

    assert (add["status"], add["value"], add["args"]) == ("SUCCESSFUL", 3, [[1], {"b": 2}])
    assert (add["attempts"], add["times"], add["errors"]) == (1, [True] * 3, [])
    assert add["workers"][0] in colony.nodes()
    assert colony.hive.job(add["id"])["task"] == "django.task"


def test_priority_and_queue_are_those_of_the_hive(found, hive):
    urgent, soon = hive.job(found["urgent"]["id"]), hive.job(found["soon"]["id"])

    assert (urgent["queue"], urgent["priority"]) == ("high_priority", 10)
    assert (soon["queue"], soon["priority"]) == ("background", 0)
    assert (found["soon"]["queue"], found["soon"]["priority"]) == ("reports", -100)


def test_a_task_may_be_deferred(told, found, hive):
    assert told["early"] == "READY"
    assert (found["soon"]["status"], found["soon"]["value"]) == ("SUCCESSFUL", 6)


def test_a_task_may_take_its_context(found):
    who = found["who"]

    assert who["value"] == ["hello", 1, who["id"], "RUNNING", who["workers"]]


def test_a_coroutine_is_a_task(found):
    assert found["later"]["value"] == "BEE"


def test_values_are_made_json_as_the_framework_does(found):
    assert found["pair"]["value"] == [1, {"a": [2]}]


def test_a_task_that_raises_fails_once_with_its_class_and_traceback(found):
    own, value = found["own"], found["value"]

    assert (own["status"], own["attempts"], own["class"]) == ("FAILED", 1, "Refused")
    [[path, traceback]] = own["errors"]
    assert path == "tests.end_to_end.django_jobs.Refused"
    assert 'raise Refused("not today")' in traceback
    assert value["errors"][0][0] == "builtins.ValueError"


def test_what_is_no_json_is_a_failure(found):
    [[path, traceback]] = found["object"]["errors"]

    assert path == "builtins.TypeError"
    assert "Unsupported type" in traceback


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ({"task": "os.system", "args": ["true"], "kwargs": {}}, "'os.system'"),
        ({"task": "tests.end_to_end.django_jobs.plain", "args": [], "kwargs": {}}, "django_jobs"),
        ({"task": "tests.end_to_end.django_jobs.add", "args": []}, "'kwargs'"),
        ("add", "give {"),
    ],
)
def test_what_is_no_task_is_not_called_whoever_submits_it(colony, hive, item, said):
    job = hive.submit("django.task", [item]).wait(30)

    [row] = job.results()
    assert (row["state"], row["attempts"]) == ("failed", 1)
    assert said in row["error"]["message"]


def test_what_runs_too_long_is_a_timeout(colony):
    ready = colony.stack.ready
    code = (
        PROJECT_OF_SOMEBODY_ELSES.replace('"timeout": 60', '"timeout": 0.5')
        + WAIT
        + "print(json.dumps(facts(ended(django_jobs.sleep.enqueue(60)))))"
    )

    told = json.loads(python(code, ready["nexus"], ready["api_key"]))

    assert (told["status"], told["errors"][0][0]) == ("FAILED", "builtins.TimeoutError")


def test_what_was_rolled_back_was_never_enqueued(colony, hive):
    code = (
        "from django.db import transaction\n"
        "from tests.end_to_end import django_jobs\n"
        "with transaction.atomic():\n"
        "    print(django_jobs.add.enqueue(1).id)\n"
        "    transaction.set_rollback(True)\n"
    )

    job = colony.manage("shell", "-v", "0", "-c", code).stdout.strip()

    assert job.startswith("job_")
    assert not hive.request("GET", f"jobs/?q={job}")["results"]
