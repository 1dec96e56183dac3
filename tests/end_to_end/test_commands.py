"""The commands that people and scripts run beside a Hive that is up."""

import json
import urllib.request

import pytest
import urllib3

from tests.end_to_end.colony import SLOTS, SPORES

pytestmark = pytest.mark.processes


def answer_of(ran):
    """The one JSON document that a command printed."""
    assert ran.stderr == ""
    return json.loads(ran.stdout)


def test_a_job_is_submitted_and_waited_for(colony):
    argv = ["text.word_count", "--items", "-", "--reduce", "text.merge_counts"]

    ran = colony.manage("hive", "submit", *argv, "--wait", "30", "--json", stdin='["a b", "b"]')

    job = answer_of(ran)
    assert ran.returncode == 0
    assert (job["state"], job["result"]) == ("succeeded", {"b": 2, "a": 1})
    assert [row["result"] for row in job["results"]] == [{"a": 1, "b": 1}, {"b": 1}]


def test_people_see_results_as_lines(colony):
    argv = ["odd.context", "--arg", 'greeting={"to": "you"}', "--arg", "x=", "--wait", "30"]

    ran = colony.manage("hive", "submit", *argv[:3], *argv[5:])

    assert ran.returncode == 0
    assert ran.stdout.splitlines()[0].endswith("succeeded  1 of 1 subtasks succeeded")
    assert '"to": "you"' in ran.stdout


def test_a_job_that_fails_is_told_with_exit_code_1(colony):
    ran = colony.manage("hive", "submit", "odd.give_up", "--wait", "30")

    assert ran.returncode == 1
    assert "Fail: it is of no use" in ran.stderr


def test_a_job_that_takes_too_long_is_left_alone_with_exit_code_1(colony, hive, marks):
    place = json.dumps([str(marks.place)])

    ran = colony.manage(
        *("hive", "submit", "odd.hold", "--items", "-", "--wait", "0.1", "--json"), stdin=place
    )

    job = answer_of(ran)
    assert (ran.returncode, job["results"][0]["state"]) == (1, "waiting")
    marks.go()
    assert hive.wait(job["id"], 30)["state"] == "succeeded"


def test_without_waiting_the_way_to_follow_is_told(colony, hive):
    ran = colony.manage("hive", "submit", "demo.echo", "--priority", "9")

    [job] = hive.request("GET", "jobs/?limit=1")["results"]
    assert ran.returncode == 0
    assert job["id"] in ran.stdout
    assert job["priority"] == 9
    hive.wait(job["id"], 30)


def test_the_status_is_that_of_the_cluster(colony):
    status = answer_of(colony.manage("hive", "status", "--json"))

    assert status["foreman"]["state"] == "leading"
    assert (status["nodes_online"], status["slots"]) == (SPORES, SPORES * SLOTS)
    assert [node["name"] for node in status["nodes"]] == ["spore-1", "spore-2", "spore-3"]


def test_a_doctor_finds_a_hive_that_runs_in_good_health(colony):
    ran = colony.manage("hive", "doctor", "--json")

    findings = {row["name"]: row for row in answer_of(ran)["findings"]}
    assert (ran.returncode, answer_of(ran)["healthy"]) == (0, True)
    assert findings["Nexus"]["found"] == f"ready at {colony.stack.ready['nexus']}"
    assert findings["Foreman"]["verdict"] == "ok"


def test_the_invariants_hold_while_work_is_in_motion(colony, hive, marks):
    items = [str(marks.place)] * (SPORES * SLOTS + 100)
    job = hive.submit("odd.hold", items)["id"]
    marks.await_count(SPORES * SLOTS)

    ran = colony.manage("hive", "check")

    assert (ran.returncode, ran.stderr) == (0, "")
    assert "all invariants hold" in ran.stdout
    marks.go()
    assert hive.wait(job, 30)["state"] == "succeeded"


def test_a_lost_login_link_is_replaced(colony):
    ran = colony.manage("hive", "login-link", "--json")

    came = urllib3.request("GET", answer_of(ran)["login_url"], redirect=False)
    cookies = "; ".join(one.partition(";")[0] for one in came.headers.getlist("Set-Cookie"))
    site = f"{colony.stack.ready['nexus']}/"
    page = urllib3.request("GET", site, headers={"Cookie": cookies}, redirect=False)
    assert (came.status, page.status) == (302, 200)


def test_a_spore_that_asks_for_nonsense_is_told_so_in_a_line(colony):
    ran = colony.manage("rqworker", "--slots", "0", HIVE_NODE_KEY="00")

    assert (ran.returncode, ran.stdout) == (2, "")
    assert "--slots 0: give 1 to 256" in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


ENQUEUE = """
from django.conf import settings
from redis import Redis
from rq import Queue
from hive_site.rq_serializer import SignedJSON
queue = Queue("chores", connection=Redis.from_url(settings.REDIS_URL), serializer=SignedJSON)
job = queue.enqueue("tests.end_to_end.chores.sweep", "{floor}")
{then}
"""
OVERWRITE = """
queue.connection.hset(job.key, "data", '["tests.end_to_end.chores.sweep", null, ["{floor}"], {{}}]')
"""


def test_a_worker_on_other_queues_is_rqs_own(colony, tmp_path):
    colony.manage("shell", "-v", "0", "-c", ENQUEUE.format(floor=tmp_path, then=""))

    ran = colony.manage("rqworker", "chores", "--burst")

    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "broom").exists()


def test_what_somebody_wrote_into_redis_is_not_run(colony, tmp_path):
    forge = ENQUEUE.format(floor=tmp_path, then=OVERWRITE.format(floor=tmp_path))
    assert colony.manage("shell", "-v", "0", "-c", forge).returncode == 0

    colony.manage("rqworker", "chores", "--burst")

    assert not (tmp_path / "broom").exists()


def test_prometheus_is_told_of_every_node(colony, hive):
    request = urllib.request.Request(
        f"{colony.stack.ready['nexus']}/metrics",
        headers={"Authorization": f"Bearer {colony.stack.ready['api_key']}"},
    )

    with urllib.request.urlopen(request) as answer:
        told = answer.read().decode()

    assert 'hive_nodes{state="online"} 3.0' in told
    assert 'hive_node_slots{node="spore-1"} 2.0' in told
    assert "hive_foreman_leads 1.0" in told
    assert 'hive_queue_depth{queue="background"} ' in told
