"""A real receiver is told how jobs end, whatever is killed meanwhile."""

import json

import pytest

from jobs.client import HiveError
from tests.end_to_end.colony import until
from tests.jobs.webhooks.receiver import Receiver, receiving

pytestmark = pytest.mark.processes


@pytest.fixture
def secret(colony):
    return colony.manage("hive", "webhook-secret").stdout.strip()


@pytest.fixture
def receiver():
    with receiving() as found:
        yield found


def deliveries(hive, job):
    return hive.request("GET", f"deliveries/?job={job}")["results"]


def await_state(hive, job, state, *, within=30.0):
    until(
        lambda: [row["state"] for row in deliveries(hive, job)] == [state],
        within=within,
        what=f"a delivery that is {state}; there is {deliveries(hive, job)}",
    )


def test_the_end_of_a_job_is_told_signed(hive, receiver, secret):
    job = hive.submit("demo.echo", [{"n": 1}], webhook=receiver.url)["id"]

    await_state(hive, job, "delivered")

    [message] = receiver.verify(secret)
    assert message["type"] == "job.succeeded"
    assert message["data"] == {**hive.job(job), "links": message["data"]["links"]}
    assert message["data"]["result"] == {"n": 1}
    assert receiver.ids() == [deliveries(hive, job)[0]["id"]]


def test_failures_and_cancellations_are_told_too(hive, receiver, secret, marks):
    failed = hive.submit("demo.fail", ["no"], retries=0, webhook=receiver.url)["id"]
    await_state(hive, failed, "delivered")
    held = hive.submit("odd.hold", [str(marks.place)] * 20, webhook=receiver.url)["id"]
    marks.await_count(6)
    hive.cancel(held)
    await_state(hive, held, "delivered")

    assert [m["type"] for m in receiver.verify(secret)] == ["job.failed", "job.cancelled"]


def test_a_receiver_that_is_down_is_told_later_under_the_same_id(hive, receiver, secret):
    receiver.answers = [500]
    job = hive.submit("demo.echo", [1], webhook=receiver.url)["id"]

    await_state(hive, job, "delivered")

    assert len(receiver.verify(secret)) == 2
    assert len(set(receiver.ids())) == 1
    assert deliveries(hive, job)[0]["tries"] == 2


def test_a_foreman_killed_between_the_end_and_the_delivery_loses_nothing(colony, hive, secret):
    closed = Receiver()
    port = closed.port
    closed._server.server_close()
    job = hive.submit("demo.echo", [1], webhook=closed.url)["id"]
    hive.wait(job, 30)

    colony.kill("foreman")
    with receiving(port) as receiver:
        colony.heal()
        await_state(hive, job, "delivered", within=60)

        assert receiver.ids() == [deliveries(hive, job)[0]["id"]]
        assert receiver.verify(secret)[0]["data"]["id"] == job


def test_a_foreman_killed_while_it_tells_is_succeeded_by_one_that_tells_again(
    colony, hive, receiver, secret
):
    receiver.hold.clear()
    job = hive.submit("demo.echo", [1], webhook=receiver.url)["id"]
    until(lambda: receiver.requests, what="a receiver that was asked")

    colony.kill("foreman")
    receiver.hold.set()
    colony.heal()

    await_state(hive, job, "delivered", within=60)
    assert len(receiver.verify(secret)) == 2
    assert len(set(receiver.ids())) == 1


def test_a_slow_receiver_delays_no_job(hive, receiver):
    receiver.hold.clear()
    for _ in range(12):
        hive.submit("demo.echo", [1], webhook=receiver.url)
    until(lambda: receiver.requests, what="a receiver that was asked")

    assert hive.map("demo.echo", list(range(200)), timeout=10) == list(range(200))
    receiver.hold.set()


def test_what_is_no_address_is_refused_by_the_name_of_its_field(hive):
    with pytest.raises(HiveError) as refusal:
        hive.submit("demo.echo", [1], webhook="http://me:pw@example.org/")

    assert refusal.value.status == 400
    assert refusal.value.problem["errors"][0]["pointer"] == "/webhook"
    assert "pw" not in json.dumps(refusal.value.problem)
