"""Followers of jobs: how soon they are told, and what a hundred of them cost those who record."""

import contextlib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

from bench.contenders import Contender, Incomplete
from bench.figures import milliseconds
from bench.nexus import HOST, Nexus, open_nexus
from bench.tasks import PREFIX
from bench.timing import PATIENCE_SECONDS

READERS, ROUNDS = 100, 4
#: Long enough to follow a job before its only item ends.
HELD_SECONDS = 0.3
CHUNK_BYTES = 64 * 1024


def measure_delivery(contender: Contender, items: int) -> dict[str, float]:
    """From the message that a result was recorded to the event that tells it, in milliseconds."""
    with open_nexus() as nexus:
        return milliseconds([_deliver(nexus) for _ in range(items)])


def measure_followers(contender: Contender, items: int) -> dict[str, float]:
    """Recording with a hundred followers of the job, in per cent of recording without any."""
    with open_nexus() as nexus:
        # In turn, so that both see the same weather.
        rounds = [
            (_record(nexus, items, readers=0), _record(nexus, items, readers=READERS))
            for _ in range(ROUNDS)
        ]
    alone, followed = (sum(took) for took in zip(*rounds, strict=True))
    return {"share": 100 * alone / followed, "rate": ROUNDS * items / followed}


def _deliver(nexus: Nexus) -> float:
    from jobs import hive

    job = hive.submit(f"{PREFIX}hold", [HELD_SECONDS]).pk
    with _hear_of(job) as recorded, _follow(nexus, job) as stream:
        said = b""
        while b"event: result" not in said:
            said += stream.recv(CHUNK_BYTES)
            if not said:
                raise Incomplete("the stream broke")
        told = time.perf_counter()
        recorded.wait(PATIENCE_SECONDS)
    return max(told - recorded.at, 0.0)


class _Ear(threading.Event):
    """When a job's end was recorded."""

    at = 0.0


@contextlib.contextmanager
def _hear_of(job: str) -> Iterator[_Ear]:
    """Listens for the message that wakes the Nexus too."""
    from django.conf import settings

    from hive_site.kernel.redis import connect
    from nodes import wire

    heard = _Ear()
    ear = connect(settings.REDIS_URL, name="hive-bench", blocking=True).pubsub()
    ear.subscribe(wire.CHANGED)

    def listen() -> None:
        for message in ear.listen():
            if message["type"] == "message" and f'"ended": ["{job}"]'.encode() in message["data"]:
                heard.at = time.perf_counter()
                heard.set()
                return

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    yield heard
    thread.join(PATIENCE_SECONDS)
    ear.close()


@contextlib.contextmanager
def _follow(nexus: Nexus, job: str) -> Iterator[socket.socket]:
    with socket.create_connection((HOST, nexus.port), timeout=PATIENCE_SECONDS) as stream:
        stream.sendall(nexus.request(f"jobs/{job}/events/"))
        yield stream


def _record(nexus: Nexus, items: int, *, readers: int) -> float:
    """Seconds from the moment when a job may start to its recorded end."""
    from jobs import hive, services
    from jobs.waiting import wait_for_jobs

    services.pause_queue(name="background")
    job = hive.submit(f"{PREFIX}noop", [1] * items).pk
    with _crowd(nexus, job, readers):
        begun = time.perf_counter()
        services.resume_queue(name="background")
        wait_for_jobs([job], timeout=PATIENCE_SECONDS)
        took = time.perf_counter() - begun
    if hive.get_task_status(job)["state"] != "succeeded":
        raise Incomplete(f"{job} did not succeed")
    return took


@contextlib.contextmanager
def _crowd(nexus: Nexus, job: str, readers: int) -> Iterator[None]:
    """So many followers, all of them there; they leave when the job's end was told."""
    if not readers:
        yield
        return
    argv = [sys.executable, "-m", "bench.readers", str(readers), str(nexus.port), nexus.key, job]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        if process.stdout.readline().strip() != "ready":
            raise Incomplete("the readers did not come")
        yield
        process.stdout.read()
