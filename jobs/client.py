"""A client for the Hive in one file: the standard library and urllib3, nothing of the project.

hive = Hive("http://127.0.0.1:8000", "hive_…")
totals = hive.map("math.count_primes", [[0, 1000], [1000, 2000]])
"""

import base64
import json
import time
from collections.abc import Iterator
from typing import Any

import urllib3

LONGEST_POLL_SECONDS = 30
TERMINAL = frozenset({"succeeded", "partial", "failed", "cancelled"})


class HiveError(Exception):
    """The Nexus refused a request. `status` is the HTTP status, `problem` its RFC 9457 body."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        errors = problem.get("errors") or []
        details = [f"{error['pointer']}: {error['detail']}" for error in errors]
        main = problem.get("detail") or problem.get("title") or "no reason given"
        super().__init__(f"{status}: {'; '.join([str(main), *details])}")
        self.status, self.problem = status, problem


class JobFailed(Exception):
    """A job ended otherwise than in success; `job` is its last state."""

    def __init__(self, job: dict[str, Any]) -> None:
        super().__init__(f"{job['id']} {job['state']}: {_reason(job)}")
        self.job = job


def _reason(job: dict[str, Any]) -> str:
    if job.get("error"):
        return str(job["error"]["message"])
    progress = job["progress"]
    return f"{progress['failed']} of {progress['total']} subtasks failed"


def pack(value: Any) -> dict[str, str]:
    """A Python object as an item or keyword of a task with `codec="pickle"`.

    With cloudpickle installed, lambdas and local classes too. The key needs the scope `pickle`.
    """
    try:
        from cloudpickle import dumps
    except ImportError:
        from pickle import dumps
    return {"$pickle": base64.b64encode(dumps(value, protocol=5)).decode()}


def unpack(result: Any) -> Any:
    """What such a task returned. Loading runs whatever the Spores' code put there: trust them."""
    from pickle import loads

    return loads(base64.b64decode(result["$pickle"]))  # noqa: S301 the caller asks for it


class Hive:
    """One Nexus, with an API key."""

    def __init__(self, url: str, key: str) -> None:
        self._base = url.rstrip("/") + "/api/v1/"
        self._headers = {"Authorization": f"Bearer {key}"}
        # Connecting may be tried again; a request that may have arrived may not. Whoever is told
        # to come back in an hour decides that for themselves.
        retries = urllib3.Retry(
            connect=3,
            read=0,
            redirect=0,
            other=0,
            backoff_factor=0.2,
            respect_retry_after_header=False,
        )
        self._pool = urllib3.PoolManager(retries=retries)

    def submit(self, task: str, items: list[Any] | None = None, **options: Any) -> dict[str, Any]:
        """Submit a job (CONTRACT §6) and return it. Raises `HiveError` if it is refused."""
        body = {"task": task, **options}
        if items is not None:
            body["items"] = items
        return self.request("POST", "jobs/", body)

    def job(self, job_id: str, *, wait: float = 0) -> dict[str, Any]:
        """The job as it is now, or as soon as it has ended within `wait` seconds."""
        return self.request("GET", f"jobs/{job_id}/" + (f"?wait={wait:g}" if wait else ""))

    def wait(self, job_id: str, timeout: float | None = None) -> dict[str, Any]:
        """The job once it has ended. Raises `TimeoutError` after `timeout` seconds."""
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            left = LONGEST_POLL_SECONDS if end is None else end - time.monotonic()
            job = self.job(job_id, wait=max(min(left, LONGEST_POLL_SECONDS), 0))
            if job["state"] in TERMINAL:
                return job
            if end is not None and time.monotonic() >= end:
                raise TimeoutError(f"{job_id} is {job['state']} after {timeout} s")

    def results(self, job_id: str) -> Iterator[dict[str, Any]]:
        """All results in item order."""
        url: str | None = f"jobs/{job_id}/results/"
        while url:
            page = self.request("GET", url)
            yield from page["results"]
            url = page["next"]

    def map(
        self, task: str, items: list[Any], *, timeout: float | None = None, **options: Any
    ) -> list[Any]:
        """The results of a task for all items, in order. Raises `JobFailed` if any failed."""
        job = self.wait(self.submit(task, items, **options)["id"], timeout)
        if job["state"] != "succeeded":
            raise JobFailed(job)
        return [result["result"] for result in self.results(job["id"])]

    def cancel(self, job_id: str) -> dict[str, Any]:
        """Cancel a job that has not ended."""
        return self.request("POST", f"jobs/{job_id}/cancel/")

    def request(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON answer of the API. Raises `HiveError` unless the status is 2xx."""
        whole = path.startswith(("http://", "https://"))
        url = path if whole else self._base + path.removeprefix("/api/v1/")
        timeout = urllib3.Timeout(connect=5, read=LONGEST_POLL_SECONDS + 30)
        answer = self._pool.request(
            method, url, headers=self._headers, timeout=timeout, **({"json": body} if body else {})
        )
        try:
            document = json.loads(answer.data or b"{}")
        except ValueError:
            document = {"detail": answer.data[:200].decode(errors="replace")}
        if not 200 <= answer.status < 300:
            raise HiveError(answer.status, document)
        return document
