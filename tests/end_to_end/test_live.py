"""The live socket of a running Hive, as a program that watches has it."""

import base64
import json
import signal
import time
from contextlib import contextmanager

import pytest
import urllib3
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from hive_site.stack.recipes import GRACE_SECONDS
from tests.end_to_end.colony import PATIENCE, Colony

pytestmark = pytest.mark.processes


@contextmanager
def watching(colony, *topics, **headers):
    ready = colony.stack.ready
    shown = headers or {"Authorization": f"Bearer {ready['api_key']}"}
    query = "&".join(f"watch={topic}" for topic in topics)
    url = f"{ready['nexus'].replace('http', 'ws', 1)}/ws/live/?{query}"
    with connect(url, additional_headers=shown, max_size=None, open_timeout=PATIENCE) as socket:
        yield socket


def read(socket):
    return json.loads(socket.recv(timeout=PATIENCE))


def read_all(socket):
    while True:
        socket.recv(timeout=PATIENCE)


class Grid:
    """A job as a page draws it, from what it was told."""

    def __init__(self):
        self.row, self.cells, self.seen = {}, bytearray(), set()

    def learn(self, message):
        if not message.get("topic", "").startswith("job:"):
            return
        self.row = message["set"].get("job", self.row)
        grid = message.get("grid", {})
        if "whole" in grid:
            self.cells = bytearray(base64.b64decode(grid["whole"]))
        for byte, indexes in grid.get("set", {}).items():
            for index in indexes:
                self.cells[index] = int(byte)
        self.seen |= set(self.cells)


def test_a_job_is_seen_to_fill_its_grid_until_all_succeeded(colony):
    job = colony.hive.submit("demo.sleep", [1.2] * 12)
    grid = Grid()

    with watching(colony, f"job:{job.id}", "jobs", "figures") as socket:
        assert read(socket)["hello"]["user"].startswith("key:")
        while grid.row.get("state") != "succeeded":
            grid.learn(read(socket))

    nexus, key = colony.stack.ready["nexus"], colony.stack.ready["api_key"]
    url = f"{nexus}/api/v1/jobs/{job.id}/grid/"
    told = urllib3.request("GET", url, headers={"Authorization": f"Bearer {key}"})
    assert bytes(grid.cells) == told.data == bytes([5] * 12)
    assert grid.seen >= {3, 5}
    assert grid.row["states"] == {"succeeded": 12}


def test_a_node_that_is_looked_at_shows_what_its_slots_do(colony):
    colony.hive.submit("demo.sleep", [3.0] * 12)

    with watching(colony, "node:spore-1") as socket:
        slots = {}
        while not slots:
            shown = read(socket).get("set", {})
            slots = {key: row for key, row in shown.items() if key.startswith("slot/")}

    assert all(row["task"] == "demo.sleep" for row in slots.values())


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer hive_nobody"},
        {"Origin": "https://evil.example", "Cookie": "sessionid=x"},
        {"Cookie": "sessionid=x"},
    ],
)
def test_who_may_not_look_is_refused_at_the_door(colony, headers):
    with pytest.raises(InvalidStatus) as refusal, watching(colony, **headers):
        pass

    assert refusal.value.response.status_code == 403


def test_a_nexus_that_ends_lets_its_viewers_go_and_is_not_held_up(tmp_path):
    colony = Colony(tmp_path, spores=1)
    try:
        with watching(colony, "figures") as socket:
            read(socket)
            colony.signal("nexus", signal.SIGTERM)
            with pytest.raises(ConnectionClosed) as end:
                read_all(socket)
            begun = time.monotonic()
        colony.await_death("nexus")
        lasted = time.monotonic() - begun
    finally:
        colony.stop()

    assert end.value.rcvd.code == 1012
    assert lasted < GRACE_SECONDS
