"""The Hive over HTTP: one item at a time by POST and long poll, and one POST of many items."""

import contextlib
import json
import time
from collections.abc import Iterator
from statistics import median
from typing import Any

import urllib3

from bench.contenders import Contender, Incomplete
from bench.figures import milliseconds
from bench.nexus import HOST, Nexus, open_nexus
from bench.tasks import PREFIX
from bench.timing import PATIENCE_SECONDS
from jobs.domain.states import JOB_TERMINAL

#: What one long poll waits at most.
POLL_SECONDS = 30
WARM_UP_ITEMS = 20
POSTS = 5


class Caller:
    """A program that uses the REST API on one connection that is kept."""

    def __init__(self, nexus: Nexus) -> None:
        headers = {"Authorization": f"Bearer {nexus.key}", "Content-Type": "application/json"}
        self._pool = urllib3.HTTPConnectionPool(
            HOST, nexus.port, maxsize=1, headers=headers, timeout=POLL_SECONDS + 30, retries=False
        )

    def submit(self, items: list[Any]) -> str:
        """The id of a new job of no-ops. Raises `Incomplete`."""
        wish = json.dumps({"task": f"{PREFIX}noop", "items": items})
        answer = self._pool.request("POST", "/api/v1/jobs/", body=wish)
        if answer.status != 202:
            raise Incomplete(f"the Nexus answers {answer.status}: {answer.data[:200]!r}")
        return str(answer.json()["id"])

    def wait(self, job: str) -> dict[str, Any]:
        """The job at its end. Raises `Incomplete` if it did not succeed."""
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < give_up_at:
            answer = self._pool.request("GET", f"/api/v1/jobs/{job}/?wait={POLL_SECONDS}")
            found: dict[str, Any] = answer.json()
            if found["state"] in JOB_TERMINAL:
                break
        if found["state"] != "succeeded":
            raise Incomplete(f"{job} is {found['state']}")
        return found


@contextlib.contextmanager
def open_caller() -> Iterator[Caller]:
    """A program beside a Nexus of this run, both warm."""
    with open_nexus(["read", "submit"]) as nexus:
        caller = Caller(nexus)
        for _ in range(WARM_UP_ITEMS):
            caller.wait(caller.submit([1]))
        yield caller


def measure_rest(contender: Contender, items: int) -> dict[str, float]:
    """One item at a time, from its POST until the long poll has brought its result."""

    def one(caller: Caller) -> float:
        begun = time.perf_counter()
        found = caller.wait(caller.submit([1]))
        took = time.perf_counter() - begun
        if found["result"] != 1:
            raise Incomplete(f"the result over REST is {found['result']!r}")
        return took

    with open_caller() as caller:
        return milliseconds([one(caller) for _ in range(items)])


def measure_post(contender: Contender, items: int) -> dict[str, float]:
    """Seconds until a POST of so many items is answered by 202: all of them are stored."""

    def one(caller: Caller) -> float:
        begun = time.perf_counter()
        job = caller.submit([1] * items)
        took = time.perf_counter() - begun
        caller.wait(job)
        return took

    with open_caller() as caller:
        return {"seconds": median(one(caller) for _ in range(POSTS))}
