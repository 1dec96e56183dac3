"""Reads a job's events over HTTP, as a browser's EventSource does."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import urllib3

from tests.end_to_end.colony import PATIENCE, Colony


@dataclass(frozen=True)
class Event:
    """One event of a stream."""

    name: str
    place: str
    data: Any


@contextmanager
def following(colony: Colony, job: str, after: str = "") -> Iterator[Iterator[Event]]:
    """The events of a job as they come, behind the one with the id `after`."""
    ready = colony.stack.ready
    headers = {"Authorization": f"Bearer {ready['api_key']}", "Accept": "text/event-stream"}
    if after:
        headers["Last-Event-ID"] = after
    url = f"{ready['nexus']}/api/v1/jobs/{job}/events/"
    answer = urllib3.request(
        "GET", url, headers=headers, preload_content=False, timeout=PATIENCE, retries=False
    )
    assert answer.status == 200, answer.read()
    try:
        yield parse(answer.stream(64, decode_content=True))
    finally:
        answer.close()


def parse(chunks: Iterator[bytes]) -> Iterator[Event]:
    """The events in a stream's bytes."""
    rest = b""
    for chunk in chunks:
        *blocks, rest = (rest + chunk).split(b"\n\n")
        for block in blocks:
            fields = dict(line.partition(b": ")[::2] for line in block.split(b"\n"))
            if b"data" in fields:
                name, place = fields[b"event"].decode(), fields[b"id"].decode()
                yield Event(name, place, json.loads(fields[b"data"]))


def read_all(colony: Colony, job: str, after: str = "") -> list[Event]:
    """The events of a job until its end."""
    with following(colony, job, after) as events:
        return list(events)
