"""GPUs: which a task sees, and when a process must go because CUDA keeps them."""

import os

import pytest

from jobs.spore import devices
from nodes import wire
from tests.jobs.spore.cast import NODE, echo


@pytest.fixture
def maps(monkeypatch, tmp_path):
    """What the kernel says is loaded into the process."""
    path = tmp_path / "maps"
    path.write_text("7f00-7f01 r-xp /usr/lib/libc.so.6\n")
    monkeypatch.setattr(devices, "MAPS", path)
    return path


def load_cuda(maps):
    maps.write_text("7f00-7f01 r-xp /usr/lib/x86_64-linux-gnu/libcuda.so.550.54\n")


def test_the_numbers_of_devices_are_those_of_their_slots_on_the_bus(stage, maps):
    names = ("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER")
    stage.add("t.env", lambda ctx, item: [os.environ[name] for name in names])
    stage.send("t.env", [None], gpus=(3, 1))
    stage.send("t.env", [None])

    stage.serve()

    assert stage.results() == {100: ["3,1", "PCI_BUS_ID"], 101: ["", "PCI_BUS_ID"]}


def test_a_process_that_used_a_device_ends_so_that_its_memory_is_free(stage, maps):
    stage.add("t.cuda", lambda ctx, item: load_cuda(maps))
    stage.add("t.echo", echo)
    stage.send("t.cuda", [None], gpus=(0,))
    left = stage.send("t.echo", [5])

    stage.serve()

    assert stage.results() == {100: None}
    assert left.encode() in stage.redis.lrange(wire.queue_key(NODE), 0, -1)


def test_a_process_that_holds_no_device_goes_on(stage, maps):
    stage.add("t.echo", echo)
    stage.send("t.echo", [4], gpus=(0,))
    stage.send("t.echo", [5])

    stage.serve()

    assert stage.results() == {100: 4, 101: 5}


def test_work_for_a_device_is_handed_back_by_a_process_in_which_cuda_was_used_before(stage, maps):
    stage.add("t.cuda", lambda ctx, item: load_cuda(maps))
    stage.send("t.cuda", [None])
    stage.send("t.cuda", [None], gpus=(1,))

    stage.serve()

    assert stage.results() == {100: None}
    assert stage.events() == [{"k": "back", "attempts": [101]}]


def test_where_nobody_can_tell_a_process_is_taken_to_hold_its_devices(monkeypatch, tmp_path):
    monkeypatch.setattr(devices, "MAPS", tmp_path / "none")

    assert devices.holds_devices()
