"""Events of a job: read as they come, taken up again after a cut, polled where there are none."""

import json

import pytest

from jobs import client
from jobs.client import Event, Hive, HiveError
from tests.jobs.nexus import DONE, RUNNING, answering

JOB = {**DONE, "progress": {"total": 2}}


@pytest.fixture
def nexus(monkeypatch):
    monkeypatch.setattr(client, "FIRST_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(client, "LOOK_EVERY_SECONDS", 0.001)
    with answering() as server:
        yield server


@pytest.fixture
def hive(nexus):
    return Hive(nexus.url, "hive_secret")


def event(kind, data, name=""):
    head = f"id: {name}\n" if name else ""
    return f"{head}event: {kind}\ndata: {json.dumps(data)}"


def row(index, state="succeeded", ended=0):
    finished = f"2030-01-01T00:00:0{ended}Z"
    return {"index": index, "state": state, "result": index, "finished_at": finished}


END = event("end", JOB, "9.3.9")


def test_events_come_with_their_kind_data_and_id(nexus, hive):
    nexus.will_stream(
        ": hello",
        event("state", {"state": "running"}),
        event("partial", {"index": 0, "value": "ü"}, "1.2.1"),
        event("log", "a\nb", "1.2.2"),
        END,
    )

    assert list(hive.stream("job_1")) == [
        Event("state", {"state": "running"}, None),
        Event("partial", {"index": 0, "value": "ü"}, "1.2.1"),
        Event("log", "a\nb", "1.2.2"),
        Event("end", JOB, "9.3.9"),
    ]
    assert nexus.headers[0]["Accept"] == "text/event-stream"
    assert nexus.headers[0]["Last-Event-ID"] is None


def test_data_in_several_lines_is_one(nexus, hive):
    nexus.will_stream('event: log\r\ndata: ["a",\r\ndata:  "b"]\r\n\r', END)

    assert next(hive.stream("job_1")) == Event("log", ["a", "b"], None)


def test_a_stream_may_be_entered_behind_an_event(nexus, hive):
    nexus.will_stream(END)

    list(hive.stream("job_1", after="1.2.3"))

    assert nexus.headers[0]["Last-Event-ID"] == "1.2.3"


@pytest.mark.parametrize("cut", [True, False])
def test_a_stream_that_breaks_off_goes_on_behind_the_last_event(nexus, hive, cut):
    nexus.will_stream(event("result", row(0), "1.3.1"), cut=cut)
    nexus.will(RUNNING)
    nexus.will_stream(event("progress", {}), cut=cut)
    nexus.will(RUNNING)
    nexus.will_stream(event("result", row(1), "2.3.2"), END)

    events = list(hive.stream("job_1"))

    assert [event.kind for event in events] == ["result", "progress", "result", "end"]
    asked = [headers["Last-Event-ID"] for headers in nexus.headers]
    assert asked == [None, None, "1.3.1", None, "1.3.1"]


def test_following_has_an_end_in_time(nexus, hive):
    nexus.will_stream(event("state", {}))
    nexus.will(RUNNING)
    events = hive.stream("job_1", timeout=0)

    assert next(events).kind == "state"
    with pytest.raises(TimeoutError, match="job_1 is running after 0 s"):
        next(events)


@pytest.mark.parametrize("status", [400, 401, 404])
def test_a_stream_that_is_refused_says_why(nexus, hive, status):
    nexus.will({"detail": "no"}, status)
    nexus.will({"detail": "no job has the id 'job_1'"}, 404)

    with pytest.raises(HiveError, match=f"{status}: no"):
        list(hive.stream("job_1"))


def test_a_nexus_without_streams_is_polled(nexus, hive):
    half, whole = ({**JOB, "progress": {"total": 2, "succeeded": n}} for n in (1, 2))
    nexus.will({"detail": "there is nothing at …"}, 404)
    nexus.will({**half, "state": "running"})
    nexus.will({**half, "state": "running"})
    nexus.will({"results": [row(0, "running"), row(1)], "next": None})
    nexus.will({**half, "state": "running"})
    nexus.will(whole)
    nexus.will({"results": [row(0), row(1)], "next": None})

    events = [(event.kind, event.data) for event in hive.stream("job_1")]

    assert events == [
        ("progress", half["progress"]),
        ("result", row(1)),
        ("progress", whole["progress"]),
        ("result", row(0)),
        ("end", whole),
    ]


def test_results_come_once_in_the_order_of_their_ends(nexus, hive):
    nexus.will_stream(
        event("result", row(1), "1.3.1"),
        event("result", row(1), "1.3.1"),
        event("result", row(0), "2.3.2"),
        END,
    )

    assert [found["index"] for found in hive.as_completed("job_1")] == [1, 0]


def test_results_of_which_no_event_told_come_at_the_end(nexus, hive):
    nexus.will_stream(event("result", row(1), "1.3.1"), END)
    nexus.will({"results": [row(0), row(1)], "next": None})

    assert [found["index"] for found in hive.as_completed("job_1")] == [1, 0]
