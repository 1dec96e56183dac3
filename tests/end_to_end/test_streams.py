"""A job as it runs: partial results, results, logs and progress, in order and exactly once."""

import time

import pytest
import urllib3

from jobs.client import pack
from tests.end_to_end.colony import until
from tests.end_to_end.events import following, read_all

pytestmark = pytest.mark.processes
RECORDED = ("partial", "result", "log")


def recorded(events):
    """What a stream must tell exactly once."""
    return [(e.name, e.place, e.data) for e in events if e.name in RECORDED]


def fetch(colony, path, **headers):
    ready = colony.stack.ready
    headers["Authorization"] = f"Bearer {ready['api_key']}"
    answer = urllib3.request("GET", f"{ready['nexus']}/api/v1/{path}", headers=headers)
    assert answer.status == 200, answer.data
    return answer


def test_partial_results_come_while_the_task_runs(colony, hive):
    job = hive.submit("demo.stream", [5], kwargs={"delay": 0.2})["id"]
    came = []

    with following(colony, job) as events:
        for event in events:
            came.append((event, time.monotonic()))

    partials = [(event.data, at) for event, at in came if event.name == "partial"]
    assert [data["value"] for data, _ in partials] == [0, 1, 2, 3, 4]
    assert [data["n"] for data, _ in partials] == [1, 2, 3, 4, 5]
    assert {(data["index"], data["attempt"], data["reduce"]) for data, _ in partials} == {
        (0, 1, False)
    }
    # Each when it was there, and not all of them at the end.
    assert partials[-1][1] - partials[0][1] > 0.5
    names = [event.name for event, _ in came]
    assert (names[-1], came[-1][0].data["state"]) == ("end", "succeeded")
    assert names.index("result") > names.index("partial")
    states = [event.data["state"] for event, _ in came if event.name == "state"]
    assert states[-1] == "succeeded"


def test_async_generators_stream_too(colony, hive):
    job = hive.submit("odd.async_stream", [3])["id"]

    partials = [e.data["value"] for e in read_all(colony, job) if e.name == "partial"]

    assert partials == [0, 1, 2]


def test_a_reader_that_comes_back_gets_exactly_the_rest(colony, hive):
    job = hive.submit("odd.talkative", list(range(60)))["id"]
    whole = recorded(read_all(colony, job))
    assert len(whole) == 60 * 3

    for _, place, _ in whole[::17]:
        rest = recorded(read_all(colony, job, place))

        assert rest == [row for row in whole if key(row[1]) > key(place)]


def key(place):
    return tuple(map(int, place.split(".")))


def test_a_reader_that_loses_its_nexus_and_its_foreman_misses_nothing(colony, hive):
    job = hive.submit("odd.talkative", list(range(40)), kwargs={"seconds": 0.2})["id"]
    first = []
    with following(colony, job) as events:
        for event in events:
            first.append(event)
            if len(recorded(first)) >= 20:
                break

    colony.kill("foreman")
    colony.kill("nexus")
    until(lambda: colony.answers() and colony.lives("foreman"), what="both again")
    rest = read_all(colony, job, first[-1].place)
    colony.heal()

    told = recorded([*first, *rest])
    assert rest[-1].name == "end"
    assert len({place for _, place, _ in told}) == len(told)
    assert sorted(data["index"] for name, _, data in told if name == "result") == list(range(40))
    lines = [data["text"] for name, _, data in told if name == "log"]
    assert sorted("".join(lines).splitlines()) == sorted(f"item {n}" for n in range(40))
    assert sorted(d["value"] for name, _, d in told if name == "partial") == list(range(40))


def test_progress_is_told_while_a_task_runs(colony, hive, marks):
    job = hive.submit("odd.half_way", [str(marks.place)])["id"]

    with following(colony, job) as events:
        said = next(event.data for event in events if event.name == "progress")
    shown = hive.request("GET", f"jobs/{job}/subtasks/0/")

    assert (said["index"], said["attempt"], said["progress"]) == (0, 1, 0.5)
    assert said["message"] == "half way"
    assert (shown["progress"], shown["message"]) == (0.5, "half way")
    marks.go()
    assert hive.wait(job, 30)["state"] == "succeeded"
    assert hive.request("GET", f"jobs/{job}/subtasks/0/")["progress"] is None


def test_the_log_of_a_subtask_has_everything_that_it_its_children_and_its_libraries_said(
    colony, hive
):
    job = hive.submit("odd.loud", ["hello"])["id"]
    hive.wait(job, 30)

    text = fetch(colony, f"jobs/{job}/subtasks/0/log/")
    [first, second] = fetch(
        colony, f"jobs/{job}/subtasks/0/log/", Accept="application/json"
    ).json()["results"]

    said = ["ctx.log hello", "print hello", "stderr hello", "WARNING odd: log hello", "echo hello"]
    assert text.headers["Content-Type"] == "text/plain; charset=utf-8"
    lines = text.data.decode().splitlines()
    assert lines == [
        f"--- attempt 1 on {first['node']} ---",
        *said,
        f"--- attempt 2 on {second['node']} ---",
        *said,
    ]
    only = fetch(colony, f"jobs/{job}/subtasks/0/log/?attempt=2").data.decode().splitlines()
    assert only == lines[6:]
    assert (first["attempt"], second["attempt"]) == (1, 2)


def test_of_a_long_log_the_beginning_and_the_end_are_kept(colony, hive):
    job = hive.submit("odd.chatter", [20_000])["id"]
    hive.wait(job, 30)

    text = fetch(colony, f"jobs/{job}/subtasks/0/log/").data.decode()

    assert len(text) < 66_000
    lines = text.splitlines()
    assert lines[1:3] == ["line 0 ü", "line 1 ü"]
    assert lines[-1] == "line 19999 ü"
    assert any(line.endswith("bytes were cut here ---") for line in lines)


def test_tasks_that_break_their_streams_succeed_and_are_heard(colony, hive):
    ways = ["wrap", "detach", "close", "replace"]
    job = hive.submit("odd.break_streams", ways * 3)["id"]

    assert hive.wait(job, 30)["state"] == "succeeded"

    rows = list(hive.results(job))
    assert {row["attempts"] for row in rows} == {1}
    for row in rows:
        text = fetch(colony, f"jobs/{job}/subtasks/{row['index']}/log/").data.decode()
        assert text == f"--- attempt 1 on {row['node']} ---\nbefore\n"


@pytest.mark.parametrize("seconds", [0, 0.3], ids=["at once", "after a while"])
def test_what_a_process_said_last_is_told_once_though_it_died_of_it(colony, hive, seconds):
    job = hive.submit("odd.last_words", [seconds])["id"]
    events = read_all(colony, job)

    texts = {}
    for event in events:
        if event.name == "log":
            texts.setdefault(event.data["attempt"], []).append(event.data["text"])
    assert texts
    for said in texts.values():
        assert "".join(said) == "first words\nlast words\n"
    whole = recorded(events)
    for _, place, _ in whole:
        rest = [row for row in whole if key(row[1]) > key(place)]
        assert recorded(read_all(colony, job, place)) == rest


def test_an_error_that_cannot_be_printed_fails_its_subtask_and_kills_no_process(colony, hive):
    job = hive.submit("odd.indescribable", ["q"])["id"]

    hive.wait(job, 30)

    [row] = hive.results(job)
    assert (row["state"], row["attempts"], row["error"]["type"]) == ("failed", 1, "SyntaxError")


def test_a_document_that_looks_like_a_python_object_reaches_no_task_that_would_load_it(
    colony, hive
):
    """Only results are quoted, and of tasks that make no objects none looks like one."""
    document = hive.submit("demo.echo", [pack(1)])["id"]
    child = hive.submit("odd.pickled", [{"$result": document}], depends_on=[document])["id"]

    assert hive.wait(document, 30)["state"] == "failed"
    assert hive.wait(child, 30)["state"] == "failed"
    [row] = hive.results(document)
    assert (row["error"]["type"], row["attempts"]) == ("result_invalid", 1)
    assert [row["attempts"] for row in hive.results(child)] == [0]


def test_the_grid_has_a_byte_for_each_item(colony, hive):
    job = hive.submit("demo.flaky", [0, 9, 0], retries=0)["id"]
    hive.wait(job, 30)

    assert fetch(colony, f"jobs/{job}/grid/").data == bytes([5, 6, 5])


def test_a_stream_that_nobody_reads_to_its_end_holds_up_no_other(colony, hive):
    job = hive.submit("demo.payload", [50_000] * 200)["id"]
    with following(colony, job) as slow:
        next(slow)

        events = read_all(colony, job)

        assert len(recorded(events)) == 200


@pytest.mark.parametrize("place", ["7", "1.2", "a.b.c", "1.1.99999999999999999999", "-1.1.1"])
def test_an_id_that_no_event_has_is_refused(colony, hive, place):
    job = hive.submit("demo.echo", [1])["id"]
    ready = colony.stack.ready
    headers = {"Authorization": f"Bearer {ready['api_key']}", "Last-Event-ID": place}

    answer = urllib3.request("GET", f"{ready['nexus']}/api/v1/jobs/{job}/events/", headers=headers)

    assert (answer.status, answer.headers["Content-Type"]) == (400, "application/problem+json")
    assert answer.json()["errors"][0]["pointer"] == "/Last-Event-ID"


def test_who_has_no_key_gets_no_stream(colony, hive):
    job = hive.submit("demo.echo", [1])["id"]

    answer = urllib3.request("GET", f"{colony.stack.ready['nexus']}/api/v1/jobs/{job}/events/")

    assert (answer.status, answer.json()["status"]) == (401, 401)
