import pytest

from bench import plain, tasks
from bench.contenders import Incomplete, Setting, require_results
from bench.measures import (
    measure_enqueue,
    measure_latency,
    measure_map,
    measure_payload,
    measure_routing,
    measure_sleep,
)
from bench.workloads import HEATS, NAMES, SETTINGS, pick
from jobs.registry import registry
from tests.bench.cast import Obedient


def test_every_workload_has_a_name_of_its_own():
    assert len(set(NAMES)) == len(NAMES)


def test_what_is_picked_keeps_the_setting_of_its_heat():
    heats = pick(["singles", "map"])

    assert [[w.name for w in heat.workloads] for heat in heats] == [["map"], ["singles"]]
    assert heats[1].setting.bundle_seconds == 0
    assert pick([]) == list(HEATS)


def test_scaling_goes_to_twenty_slots_on_five_nodes():
    assert [setting.slots for setting in SETTINGS] == [1, 2, 5, 10, 20]
    assert max(setting.spores for setting in SETTINGS) == 5


@pytest.mark.parametrize("name", sorted(plain.WORK))
def test_all_sides_know_every_function(name):
    assert tasks.PREFIX + name in registry


def test_a_task_does_what_the_plain_function_does():
    task = registry.get("bench.payload")

    assert task.run(None, 100) == plain.payload(100) == "x" * 100


@pytest.mark.parametrize(
    ("work", "item", "right", "wrong"),
    [
        ("noop", 7, 7, 8),
        ("payload", 3, "xxx", "xx"),
        ("sleep_10ms", 0.01, None, 0),
        ("clock", 1, 1.5, None),
        ("who", 1, [2, 1], None),
    ],
)
def test_a_result_is_that_of_its_item(work, item, right, wrong):
    require_results("one", work, [item], [right])
    with pytest.raises(Incomplete):
        require_results("one", work, [item], [wrong])


def test_results_are_as_many_as_items_and_in_their_order():
    with pytest.raises(Incomplete, match="1 results of 2 items"):
        require_results("one", "noop", [1, 2], [1])
    with pytest.raises(Incomplete, match="item 0 has the result"):
        require_results("one", "noop", [1, 2], [2, 1])


def test_a_map_is_one_submission_with_what_all_processes_spent_on_an_item():
    side = Obedient("hive")

    values = measure_map(side, 100)

    assert side.asked == [("noop", 100)]
    assert values == {"rate": 200.0, "cpu": 15_000.0}


def test_large_results_are_counted_per_second():
    assert measure_payload(Obedient("hive"), 50) == {"rate": 100.0}


def test_sleep_is_held_against_the_slots_of_its_setting():
    side = Obedient("hive")

    five, ten = (
        measure_sleep("sleep_10ms", 0.01, setting)(side, 100)["efficiency"]
        for setting in (Setting(), Setting(spores=5, slots_each=2))
    )

    assert (five, ten) == (pytest.approx(40), pytest.approx(20))


@pytest.mark.parametrize(
    ("measure", "work", "p50", "p99"),
    [
        (measure_latency, "noop", 1000, 2000),
        (measure_enqueue, "noop", 500, 1000),
        # When the function was entered, not when its result arrived.
        (measure_routing, "clock", 2000, 4000),
    ],
)
def test_single_items_are_submitted_one_by_one(measure, work, p50, p99):
    side = Obedient("hive")

    values = measure(side, 4)

    assert side.asked == [(work, 1)] * 4
    assert values == {"p50": p50, "p99": p99}


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
