"""What plain RQ jobs are made of: JSON that only those who know the fleet key can write."""

import json
import pickle
from dataclasses import replace

import fakeredis
import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st
from rq import Queue, SimpleWorker

from hive_site import rq_serializer
from hive_site.kernel.envelope import Forged
from hive_site.rq_serializer import SignedJSON

done: list[object] = []


def note(value: object) -> object:
    """The job of these tests."""
    done.append(value)
    return value


@pytest.fixture(autouse=True)
def key(monkeypatch):
    """A fleet key of the test's own."""
    monkeypatch.setenv("HIVE_FLEET_KEY", "fleet")
    rq_serializer._key.cache_clear()
    done.clear()
    yield
    rq_serializer._key.cache_clear()


@given(st.recursive(st.none() | st.integers() | st.text(), st.lists, max_leaves=5))
def test_what_was_signed_comes_back(value):
    assert SignedJSON.loads(SignedJSON.dumps(value)) == value


@pytest.mark.parametrize(
    "data",
    [b"", b'["os.system", null, ["true"], {}]', pickle.dumps(("os.system", None, [], {})), b"\xff"],
)
def test_what_was_not_signed_is_refused(data):
    with pytest.raises(Forged):
        SignedJSON.loads(data)


def test_a_byte_that_was_changed_is_noticed():
    data = SignedJSON.dumps(["tests.note", None, ["a"], {}])

    with pytest.raises(Forged):
        SignedJSON.loads(data.replace(b'"a"', b'"b"'))


def test_another_fleet_s_job_is_refused(monkeypatch):
    data = SignedJSON.dumps([1])
    monkeypatch.setenv("HIVE_FLEET_KEY", "another")
    rq_serializer._key.cache_clear()

    with pytest.raises(Forged):
        SignedJSON.loads(data)


def test_without_a_key_the_variable_to_set_is_named(monkeypatch, settings, tmp_path):
    monkeypatch.delenv("HIVE_FLEET_KEY")
    settings.HIVE = replace(settings.HIVE, data=tmp_path)
    rq_serializer._key.cache_clear()

    with pytest.raises(ImproperlyConfigured, match="HIVE_FLEET_KEY"):
        SignedJSON.dumps(1)


@pytest.fixture
def queue():
    return Queue("mail", connection=fakeredis.FakeRedis(), serializer=SignedJSON)


def work(queue):
    SimpleWorker([queue], connection=queue.connection, serializer=SignedJSON).work(burst=True)


def test_rq_runs_what_was_signed(queue):
    job = queue.enqueue(note, "honey")

    work(queue)

    assert done == ["honey"]
    assert job.return_value() == "honey"


def test_rq_does_not_run_what_was_written_over(queue):
    job = queue.enqueue(note, "honey")
    stolen = json.dumps([f"{__name__}.note", None, ["stolen"], {}]).encode()
    queue.connection.hset(job.key, "data", stolen)
    later = queue.enqueue(note, "later")

    work(queue)

    assert "stolen" not in done
    assert later.get_status() == "finished"
