"""Python objects: who may submit them, and that the Nexus never loads one."""

import base64
import json
import pickle
import signal

import pytest

from hive_site.kernel.errors import NotAllowed
from jobs import client, hive
from jobs.models import Job, Subtask
from jobs.packing import is_packed, pack
from jobs.registry import Registry, Task, registry
from jobs.registry import task as register
from jobs.spore.unpacking import unpack
from jobs.validation import check_wish
from nodes.spore.slots import SOFT_STOP
from tests.conftest import client_with
from tests.jobs.cast import NOW
from tests.jobs.spore.cast import Stage as Slot

TASK = "test.objects"


class Bomb:
    """Whoever loads it touches a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.fixture
def slot(monkeypatch, tmp_path):
    before = signal.getsignal(SOFT_STOP)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    yield Slot(monkeypatch, tmp_path)
    signal.signal(SOFT_STOP, before)


@pytest.fixture
def objects():
    """A task that takes objects of Python."""

    @register(TASK, codec="pickle")
    def run(ctx, item, **more):
        """What it was given, and of which type."""
        return item

    yield run
    del registry._tasks[TASK]


def packed_bomb(path):
    return {"$pickle": base64.b64encode(pickle.dumps(Bomb(path))).decode()}


@pytest.mark.parametrize("wish", [{"task": TASK}, {"task": "demo.echo", "reduce": TASK}])
def test_a_key_without_the_scope_is_refused_with_the_field(wish, objects, db, redis):
    answer = client_with("submit", "read").post("/api/v1/jobs/", wish, format="json")

    assert (answer.status_code, Job.objects.count()) == (403, 0)
    [error] = answer.json()["errors"]
    assert error["pointer"] == ("/reduce" if "reduce" in wish else "/task")
    assert "'pickle'" in error["detail"]


def test_the_nexus_takes_shows_and_records_objects_and_loads_none(objects, stage, tmp_path, api):
    path = tmp_path / "touched"
    body = {"task": TASK, "items": [packed_bomb(path)], "kwargs": {"a": packed_bomb(path)}}
    caller = client_with("submit", "read", "pickle")

    answer = caller.post("/api/v1/jobs/", body, format="json")

    assert answer.status_code == 202
    job = Job.objects.get()
    assert job.codec == "pickle"
    stage.hint(job)
    spore, bundle = stage.bundle()
    spore.succeed(bundle, result=json.dumps(packed_bomb(path)))
    stage.read()
    url = f"/api/v1/jobs/{job.pk}/"
    for page in (url, f"{url}results/", f"{url}subtasks/0/"):
        assert b"$pickle" in caller.get(page).content
    list(hive.selectors.result_views(job.pk))
    assert not path.exists()


def test_a_slot_loads_objects_of_tasks_that_take_them_and_of_no_others(slot: Slot, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    slot.registry.add(Task(name="test.echo", run=lambda ctx, item: str(type(item))))
    slot.registry.add(Task(name=TASK, run=lambda ctx, item: type(item), codec="pickle"))

    slot.send("test.echo", [packed_bomb(first)])
    slot.send(TASK, [packed_bomb(second), {"a": 1}, pack({1, 2})])
    slot.serve()

    assert (first.exists(), second.exists()) == (False, True)
    results = list(slot.results().values())
    assert results[0] == "<class 'dict'>"
    assert [client.unpack(each).__name__ for each in results[1:]] == [
        "TextIOWrapper",
        "dict",
        "set",
    ]


def test_python_on_the_nexus_hands_in_objects_as_they_are(objects, stage):
    job = hive.submit(TASK, [{1, 2}, pack("packed")], kwargs={"n": 1j})

    items = [json.loads(text) for text in Subtask.objects.values_list("item", flat=True)]
    assert [unpack(item) for item in items] == [{1, 2}, "packed"]
    assert unpack(json.loads(Job.objects.get(pk=job.pk).kwargs)) == {"n": 1j}
    stage.hint(job)
    stage.run()


@pytest.mark.parametrize("value", [{1, 2}, None, [object], {"a": (1,)}])
def test_the_client_packs_what_a_spore_unpacks_and_the_other_way_round(value):
    assert unpack(client.pack(value)) == client.unpack(pack(value)) == value


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"items": [1, [{"a": {"$pickle": "gAU="}}]]}, "items.1"),
        ({"kwargs": {"a": {"$pickle": "gAU="}}}, "kwargs"),
    ],
)
def test_objects_take_the_scope_whatever_the_task_is_for_nodes_may_know_it_otherwise(wish, field):
    fields = {"task": "demo.echo", **wish}

    with pytest.raises(NotAllowed) as refusal:
        check_wish(fields, now=NOW)

    assert refusal.value.field == field
    assert check_wish(fields, now=NOW, may_pickle=True)
    assert check_wish({"task": "demo.echo", "items": ["$pickle", {"$pickle": 1}]}, now=NOW)


@pytest.mark.parametrize("value", [1, {"$pickle": 1}, {"$pickle": "x", "a": 1}, {}, ["$pickle"]])
def test_json_stays_json(value):
    assert not is_packed(value)
    assert unpack(value) == value


def test_a_codec_that_does_not_exist_is_told_when_the_task_is_registered():
    with pytest.raises(ValueError, match="give json or pickle"):
        Registry().add(Task(name="a.b", run=print, codec="yaml"))
