import pytest

from bench import plain, tasks
from bench.workloads import ALL, measure_enqueue, measure_latency, measure_rate, measure_routing
from jobs.registry import registry
from tests.bench.cast import Obedient


def test_every_workload_has_a_name_of_its_own():
    names = [workload.name for workload in ALL]

    assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", sorted(plain.WORK))
def test_both_sides_know_every_function(name):
    assert tasks.PREFIX + name in registry


def test_a_task_does_what_the_plain_function_does():
    task = registry.get("bench.payload")

    assert task.run(None, 100) == plain.payload(100) == "x" * 100


def test_a_rate_submits_every_item_in_one_job():
    side = Obedient("hive")

    values = measure_rate("noop", 1)(side, 7)

    assert side.asked == [("noop", 7)]
    assert values["rate"] > 0


@pytest.mark.parametrize("measure", [measure_latency, measure_enqueue])
def test_single_jobs_are_submitted_one_by_one(measure):
    side = Obedient("hive")

    values = measure(side, 4)

    assert side.asked == [("noop", 1)] * 4
    assert 0 <= values["p50"] <= values["p99"]


class Late(Obedient):
    """Says that it started a fixed time after it was asked."""

    def submit(self, work, item):
        started = plain.clock(item) + 1000
        return lambda: started


def test_routing_ends_when_the_function_is_entered_not_when_its_result_arrives():
    values = measure_routing(Late("hive"), 3)

    assert values["p50"] == pytest.approx(1_000_000, rel=0.01)


def test_who_follows_asks_for_the_events_with_a_key():
    from bench.nexus import Nexus

    request = Nexus(8000, "hive_x").request("jobs/job_1/events/").decode()

    assert request.startswith("GET /api/v1/jobs/job_1/events/ HTTP/1.1\r\n")
    assert "Authorization: Bearer hive_x\r\n" in request
    assert request.endswith("\r\n\r\n")


def test_readers_follow_to_the_end_and_say_when_all_are_there(capsys):
    import socket
    import threading

    from bench.nexus import HOST, Nexus
    from bench.readers import read_all

    with socket.create_server((HOST, 0)) as server:

        def serve():
            streams = [server.accept()[0] for _ in range(3)]
            for stream in streams:
                assert stream.recv(4096).endswith(b"\r\n\r\n")
                stream.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            for stream in streams:
                stream.sendall(b"more")
                stream.close()

        threading.Thread(target=serve, daemon=True).start()
        total = read_all(Nexus(server.getsockname()[1], "k"), "job_1", 3)

    assert total == 3 * len(b"HTTP/1.1 200 OK\r\n\r\nmore")
    assert capsys.readouterr().out == "ready\n"
