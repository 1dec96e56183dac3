"""A client for the Hive in one file: the standard library and urllib3, nothing of the project.

hive = Hive("http://127.0.0.1:8000", "hive_…")
totals = hive.map("math.count_primes", [[0, 1000], [1000, 2000]], progress=True)

job = hive.submit("demo.sleep", [3, 1, 2])
for result in hive.as_completed(job):
    print(result["index"], result["result"])

with hive.executor("math.count_primes") as executor:
    future = executor.submit([0, 1000])
"""

import base64
import builtins
import json
import os
import sys
import threading
import time
import uuid
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import CancelledError, Executor, Future
from contextlib import suppress
from functools import cache, partial
from typing import Any, NamedTuple

import urllib3
from urllib3 import exceptions

CONNECT_SECONDS, READ_SECONDS = 5, 60
#: Proxies close what is silent for longer.
LONGEST_POLL_SECONDS = 30
#: How long a Nexus that never answered is tried. It may well be a wrong address.
FIRST_SECONDS = 2
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.1, 5
LOOK_EVERY_SECONDS = 0.25
#: How often an executor looks which items of its jobs have begun, and how long that may take.
BEGUN_EVERY_SECONDS, BEGUN_PATIENCE_SECONDS = 1.0, 5.0
TERMINAL = frozenset({"succeeded", "partial", "failed", "cancelled"})
#: The states in which a subtask stays.
ENDED = frozenset({"succeeded", "failed", "cancelled", "quarantined"})
#: How much longer than its timeout a request may take, so that there is time for an answer.
ANSWER_SECONDS = 2
#: Nothing was done; the same request may work later.
COME_BACK = frozenset({429, 503})
#: A proxy got no answer: what may be sent twice may work later.
NO_ANSWER = frozenset({502, 504})
NEVER_SENT = (exceptions.NewConnectionError, exceptions.ConnectTimeoutError)
#: Trying again would not help.
HOPELESS = (exceptions.LocationValueError, exceptions.SSLError)
BATCH_ITEMS, BATCH_CHARS = 50_000, 8 * 1024 * 1024


# What goes wrong.


class HiveError(Exception):
    """The Nexus refused a request. `status` is the HTTP status, `problem` its RFC 9457 body."""

    def __init__(self, status: int, problem: Any) -> None:
        # Whoever stands in between may answer anything.
        known = problem if isinstance(problem, dict) else {"detail": str(problem)}
        errors = known.get("errors")
        details = [_detail(error) for error in (errors if isinstance(errors, list) else [])]
        main = known.get("detail") or known.get("title") or "no reason given"
        super().__init__(f"{status}: {'; '.join([str(main), *details])}")
        self.status, self.problem = status, known

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.status, self.problem), self.__dict__


class Unreachable(exceptions.HTTPError, ConnectionError):
    """Nobody answers at the address of the Nexus, or not in time."""


class JobFailed(Exception):
    """A job ended otherwise than in success; `job` is its last state."""

    def __init__(self, job: dict[str, Any]) -> None:
        super().__init__(f"{job['id']} {job['state']}: {_reason(job)}")
        self.job = job

    def __reduce__(self) -> tuple[Any, ...]:
        # A `Job` holds its Hive, and that holds connections.
        fields = dict(self.job)
        return type(self), (fields,), {**self.__dict__, "job": fields}


class TaskFailed(Exception):
    """A task raised. Of a built-in exception like ValueError it is an instance as well.

    `type`, `message` and `traceback` are the task's own, `result` is the row of the API.
    """

    def __init__(self, result: Mapping[str, Any]) -> None:
        error = result["error"] or {}
        self.type = str(error.get("type") or result["state"])
        self.message = str(error.get("message") or "")
        self.traceback = str(error.get("traceback") or "")
        self.result = result
        # Not super(): the next in line may be a UnicodeDecodeError, which wants five arguments.
        BaseException.__init__(self, self.message)
        if self.traceback:
            self.add_note(self.traceback)

    def __str__(self) -> str:
        """What the task said."""
        return f"{self.type}: {self.message}"

    def __reduce__(self) -> tuple[Any, ...]:
        return task_failure, (self.result,), self.__dict__


class _Again(Exception):
    """A refusal that may pass, and the seconds to wait that the Nexus asked for."""

    def __init__(self, refusal: Exception, rest: float = 0) -> None:
        super().__init__(str(refusal))
        self.refusal, self.rest = refusal, rest


# What there is to work with: a job, its events, the Nexus.


class Event(NamedTuple):
    """Something that happened to a job: state, progress, partial, result, log or end.

    The stream of events can be entered again behind the one with this `id`.
    """

    kind: str
    data: Any
    id: str | None = None


class Job(dict[str, Any]):
    """A job as the Nexus last told it, with the fields of the REST API, and what one can do."""

    def __init__(self, hive: "Hive", fields: Mapping[str, Any]) -> None:
        super().__init__(fields)
        self._hive = hive

    @property
    def id(self) -> str:
        """Its name on the Nexus."""
        return str(self["id"])

    @property
    def ended(self) -> bool:
        """Whether it had ended when it was last asked for."""
        return self["state"] in TERMINAL

    def refresh(self) -> "Job":
        """The same job as it is now."""
        self.update(self._hive.job(self.id))
        return self

    def wait(self, timeout: float | None = None) -> "Job":
        """The same job once it has ended. Raises `TimeoutError` after `timeout` seconds."""
        self.update(self._hive.wait(self.id, timeout))
        return self

    def results(self) -> Iterator[dict[str, Any]]:
        """All results there are, in item order."""
        return self._hive.results(self.id)

    def outcome(self, timeout: float | None = None) -> Any:
        """What came of it: of the reduction if there is one, else a list in item order.

        Raises `JobFailed` unless it succeeded, `TimeoutError` after `timeout` seconds.
        """
        return self._hive._outcome(self, _Clock(timeout))

    def stream(self, *, after: str | None = None, timeout: float | None = None) -> Iterator[Event]:
        """Its events as they happen; see `Hive.stream`."""
        return self._hive.stream(self.id, after=after, timeout=timeout)

    def cancel(self) -> "Job":
        """The same job, which stops. Raises `HiveError` if it has ended."""
        self.update(self._hive.cancel(self.id))
        return self

    def __repr__(self) -> str:
        """Which job, and how far it is."""
        return f"<Job {self.get('id')} {self.get('state')}>"


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

    return loads(base64.b64decode(result["$pickle"]))  # noqa: S301  # nosec B301  # the caller asks for it


class Hive:
    """One Nexus, with an API key. Threads may share it.

    A Nexus that was there and is away is waited for, `patience` seconds at most, and so it is if it
    says 429 or 503, or a proxy 502 or 504; then `HiveError` or `Unreachable`. Where a call has a
    timeout, `TimeoutError` if that is over before. What might do harm twice is sent once.

    One that never answered is soon given up, unless the address is `known` to be right.
    """

    def __init__(self, url: str, key: str, *, patience: float = 60, known: bool = False) -> None:
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {key}"}
        self._patience, self._met = patience, known
        self._pool = _open_pool()
        _hives.add(self)

    def submit(self, /, task: str, items: Iterable[Any] | None = None, **options: Any) -> Job:
        """Submit a job with the options of the REST API and return it.

        It is sent again if the answer is lost, and stored once. Raises `HiveError` if refused.
        """
        return self._submit(task, items, options, _Clock(None))

    def workflow(self, jobs: Mapping[str, Mapping[str, Any]]) -> dict[str, Job]:
        """Submit jobs that wait for each other (`after`), all or none; the jobs by their names."""
        answer = self._post_once("workflows/", _encode({"jobs": jobs}))
        return {name: Job(self, fields) for name, fields in answer["jobs"].items()}

    def job(self, job: str | Mapping[str, Any], *, wait: float = 0) -> Job:
        """The job as it is now, or as soon as it has ended within `wait` seconds."""
        return self._look(_id(job), wait, _Clock(None))

    def wait(self, job: str | Mapping[str, Any], timeout: float | None = None) -> Job:
        """The job once it has ended. Raises `TimeoutError` after `timeout` seconds."""
        return self._wait(job, _Clock(timeout))

    def results(self, job: str | Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """All results there are, in item order."""
        return self._results(_id(job), _Clock(None))

    def map(
        self,
        /,
        task: str,
        items: Iterable[Any],
        *,
        timeout: float | None = None,
        progress: bool = False,
        **options: Any,
    ) -> list[Any]:
        """The results of a task for all items, in order. Raises `JobFailed` if any failed.

        `progress` draws a bar on a terminal. Ctrl-C asks there whether to leave the job alone or to
        cancel it, and cancels it elsewhere; then `KeyboardInterrupt`, as ever.
        """
        clock = _Clock(timeout)
        job = self._submit(task, items, options, clock)
        try:
            if progress:
                self._watch(job, clock)
            else:
                job.update(self._wait(job, clock))
        except KeyboardInterrupt:
            if not wants_to_detach(job.id):
                self._cancel_quietly(job.id)
            raise
        if job["state"] != "succeeded":
            raise JobFailed(job)
        return [result["result"] for result in self._results(job.id, clock)]

    def gather(self, *jobs: str | Mapping[str, Any], timeout: float | None = None) -> list[Any]:
        """What came of each job (`Job.outcome`), in the order of the jobs.

        Raises `JobFailed` for the first one that did not succeed, `TimeoutError`.
        """
        clock = _Clock(timeout)
        return [self._outcome(self._look(_id(job), 0, clock), clock) for job in jobs]

    def as_completed(
        self,
        jobs: str | Mapping[str, Any] | Iterable[str | Mapping[str, Any]],
        timeout: float | None = None,
    ) -> Iterator[Any]:
        """The results of one job, or of several jobs the jobs, each when it has ended.

        In the order of their ends. Raises `TimeoutError` after `timeout` seconds.
        """
        if isinstance(jobs, str | Mapping):
            return self._results_as_completed(_id(jobs), _Clock(timeout))
        return self._jobs_as_completed([_id(job) for job in jobs], _Clock(timeout))

    def stream(
        self,
        job: str | Mapping[str, Any],
        *,
        after: str | None = None,
        timeout: float | None = None,
    ) -> Iterator[Event]:
        """The events of a job, from its first or from the one behind the id `after`, to its `end`.

        A connection that breaks is made again behind the last event. Raises `TimeoutError`.
        """
        return self._stream(_id(job), after, _Clock(timeout))

    def cancel(self, job: str | Mapping[str, Any]) -> Job:
        """Cancel a job that has not ended."""
        return Job(self, self.request("POST", f"jobs/{_id(job)}/cancel/"))

    def executor(self, /, task: str, *, window: float = 0.01, **options: Any) -> "HiveExecutor":
        """A `concurrent.futures.Executor` that runs one task, with the options of a job.

        What is submitted within `window` seconds travels as one job.
        """
        return HiveExecutor(self, task, window=window, **options)

    def request(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON answer of the API. Raises `HiveError` if it is not 2xx, `Unreachable`."""
        data = _encode(body) if body else None
        return _decode(self._ask(method, path, data))

    # What the verbs above are made of, each with a clock: `TimeoutError` when it has run out.

    def _submit(
        self, task: str, items: Iterable[Any] | None, options: Mapping[str, Any], clock: "_Clock"
    ) -> Job:
        body = {"task": task, **options}
        if items is not None:
            # A mapping quotes what another job gave: {"$result": "job_…"}.
            body["items"] = items if isinstance(items, Mapping) else list(items)
        return Job(self, self._post_once("jobs/", _encode(body), clock))

    def _look(self, job_id: str, wait: float, clock: "_Clock") -> Job:
        query = f"?wait={wait:g}" if wait else ""
        return Job(self, self._get(f"jobs/{job_id}/{query}", clock))

    def _wait(self, job: str | Mapping[str, Any], clock: "_Clock") -> Job:
        while True:
            found = self._look(_id(job), clock.at_most(LONGEST_POLL_SECONDS), clock)
            if found.ended:
                return found
            clock.check(f"{found.id} is {found['state']}")

    def _outcome(self, job: Job, clock: "_Clock") -> Any:
        job.update(self._wait(job, clock))
        if job["state"] != "succeeded":
            raise JobFailed(job)
        if job.get("reduce"):
            return job["result"]
        return [row["result"] for row in self._results(job.id, clock)]

    def _results(self, job_id: str, clock: "_Clock") -> Iterator[dict[str, Any]]:
        return self._rows(f"jobs/{job_id}/results/", clock)

    def _rows(self, url: str | None, clock: "_Clock") -> Iterator[dict[str, Any]]:
        while url:
            page = self._get(url, clock)
            yield from page["results"]
            url = page["next"]

    # One request.

    def _get(self, path: str, clock: "_Clock") -> Any:
        return _decode(self._ask("GET", path, clock=clock))

    def _post_once(self, path: str, data: bytes, clock: "_Clock | None" = None) -> Any:
        once = {"Idempotency-Key": str(uuid.uuid4())}
        return _decode(self._ask("POST", path, data, once, clock=clock))

    def _ask(
        self,
        method: str,
        path: str,
        data: bytes | None = None,
        also: Mapping[str, str] | None = None,
        *,
        clock: "_Clock | None" = None,
        whole: bool = True,
    ) -> urllib3.BaseHTTPResponse:
        """A 2xx answer. What may be sent again is, as long as patience and clock last."""
        headers, clock = {**self._headers, **_traced(), **(also or {})}, clock or _Clock(None)
        if data is not None:
            headers["Content-Type"] = "application/json"
        request = {"body": data, "headers": headers, "preload_content": whole}
        begun, pause = time.monotonic(), FIRST_PAUSE_SECONDS
        while True:
            try:
                return self._ask_once(method, _absolute(self._url, path), clock, **request)
            except _Again as again:
                rest = max(pause, again.rest)
                patience = self._patience if self._met else min(FIRST_SECONDS, self._patience)
                if time.monotonic() + rest > begun + patience:
                    raise again.refusal from again.__cause__
                time.sleep(clock.at_most(rest))
                clock.check(str(again.refusal))
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    def _ask_once(
        self, method: str, url: str, clock: "_Clock", **request: Any
    ) -> urllib3.BaseHTTPResponse:
        """A 2xx answer. Raises `_Again` for what may pass, else as `request` does."""
        harmless = method == "GET" or "Idempotency-Key" in request["headers"]
        request |= {"timeout": clock.limits(), "retries": False, "redirect": False}
        try:
            answer = self._pool.request(method, url, **request)
        except exceptions.HTTPError as error:
            refusal = Unreachable(f"no answer from {self._url}: {error}")
            if isinstance(error, HOPELESS) or not (harmless or isinstance(error, NEVER_SENT)):
                raise refusal from error
            raise _Again(refusal) from error
        self._met = True
        if 200 <= answer.status < 300:
            return answer
        refused = HiveError(answer.status, _decode(answer))
        if answer.status in COME_BACK or (harmless and answer.status in NO_ANSWER):
            raise _Again(refused, _retry_after(answer))
        raise refused

    # Following a job to its end.

    def _watch(self, job: Job, clock: "_Clock") -> None:
        """Draw the job's progress until it has ended."""
        bar = _Bar()
        try:
            while not job.ended:
                clock.check(f"{job.id} is {job['state']}")
                job.update(self._look(job.id, clock.at_most(LOOK_EVERY_SECONDS), clock))
                bar.draw(job)
        finally:
            bar.close()

    def _cancel_quietly(self, job_id: str) -> None:
        try:
            self.cancel(job_id)
        except (HiveError, Unreachable) as error:
            if not (isinstance(error, HiveError) and error.status == 409):  # it has ended
                sys.stderr.write(f"{job_id} could not be cancelled: {error}\n")

    def _jobs_as_completed(self, names: list[str], clock: "_Clock") -> Iterator[Job]:
        left = dict.fromkeys(names)
        while left:
            # One request after the other, however many jobs there are: about four a second.
            pause = max(LOOK_EVERY_SECONDS / len(left), 0.01)
            found = [self._look(name, clock.at_most(pause), clock) for name in left]
            ended = [job for job in found if job.ended]
            for job in sorted(ended, key=lambda job: job["finished_at"] or ""):
                del left[job.id]
                yield job
            if left:
                clock.check(f"{len(left)} of {len(names)} jobs have not ended")

    def _results_as_completed(
        self, job_id: str, clock: "_Clock", note: Callable[[Event], None] = lambda event: None
    ) -> Iterator[dict[str, Any]]:
        """The rows of what has ended; `note` sees all other events as well."""
        seen: set[int] = set()
        for event in self._stream(job_id, None, clock):
            note(event)
            rows = [event.data] if event.kind == "result" else []
            if event.kind == "end" and len(seen) < event.data["progress"]["total"]:
                rows = list(self._results(job_id, clock))  # what no event told of
            for row in rows:
                if row["index"] not in seen and row["state"] in ENDED:
                    seen.add(row["index"])
                    yield row

    def _stream(self, job_id: str, after: str | None, clock: "_Clock") -> Iterator[Event]:
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                for event in self._listen(job_id, after, clock):
                    after, pause = event.id or after, FIRST_PAUSE_SECONDS
                    yield event
                    if event.kind == "end":
                        return
            except HiveError as error:
                if error.status != 404:
                    raise
                # If the job is there, it is this Nexus that has no streams.
                yield from self._poll(self._look(job_id, 0, clock), clock)
                return
            except Unreachable:
                raise
            except exceptions.HTTPError:
                pass  # cut off: go on behind the last event
            job = self._look(job_id, 0, clock)
            clock.check(f"{job_id} is {job['state']}")
            time.sleep(clock.at_most(pause))
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    def _listen(self, job_id: str, after: str | None, clock: "_Clock") -> Iterator[Event]:
        """The events of one connection; it may break at any time."""
        headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
        if after:
            headers["Last-Event-ID"] = after
        answer = self._ask("GET", f"jobs/{job_id}/events/", None, headers, clock=clock, whole=False)
        try:
            yield from _parse_events(_lines(answer, clock))
        finally:
            answer.close()

    def _poll(self, job: Job, clock: "_Clock") -> Iterator[Event]:
        """What a stream would tell, for a Nexus that has none."""
        seen: set[int] = set()
        rest, told = 0.0, None
        while True:
            job.update(self._look(job.id, clock.at_most(rest), clock))
            progress, begun = job["progress"], time.monotonic()
            if progress != told:
                yield Event("progress", progress)
                found = self._results(job.id, clock)
                rows = [row for row in found if row["index"] not in seen]
                rows = [row for row in rows if row["state"] in ENDED]
                for row in sorted(rows, key=lambda row: row["finished_at"] or ""):
                    seen.add(row["index"])
                    yield Event("result", row)
                told = progress
            if job.ended:
                yield Event("end", job)
                return
            clock.check(f"{job.id} is {job['state']}")
            rest = max(LOOK_EVERY_SECONDS, min(10 * (time.monotonic() - begun), 10))


# An executor: futures, the jobs that they travel in, and who sends and follows those.


class HiveFuture(Future[Any]):
    """One item on its way. It is running once that is known, and pending before.

    Cancelling the last one of a job that is still open cancels the job.
    """

    def __init__(self, give_up: Callable[["HiveFuture"], None]) -> None:
        super().__init__()
        self.batch: _Batch | None = None
        self.index = 0
        self._leaving = threading.Lock()
        self._give_up: Callable[[HiveFuture], None] | None = give_up

    def cancel(self) -> bool:
        """Give it up; False if it runs or has ended."""
        cancelled = super().cancel()
        if cancelled:
            if self._leave():
                self.set_running_or_notify_cancel()
            give_up = self._give_up  # which its end may take away at any time
            if give_up:
                give_up(self)
        return cancelled

    def start(self) -> bool:
        """It runs; False if it was cancelled."""
        return self.running() or (self._leave() and self.set_running_or_notify_cancel())

    def settle(self, row: Mapping[str, Any]) -> None:
        """Take in the row of its end."""
        self._give_up = None
        if row["state"] == "cancelled" and self.cancel():
            return
        if self.start():
            if row["state"] == "succeeded":
                self.set_result(row["result"])
            elif row["state"] == "cancelled":
                self.set_exception(CancelledError())
            else:
                self.set_exception(task_failure(row))

    def fail(self, error: BaseException) -> None:
        """Nothing is known of its end, for this reason."""
        self._give_up = None
        if self.start():
            self.set_exception(error)

    def orphan(self) -> None:
        """Fail, unless it has ended, in a process that has no thread for it.

        Nothing of the parent's hears of that.
        """
        self._give_up = None
        # Its lock may have been held, and would be for ever; done() takes it, too.
        if self._state in ("FINISHED", "CANCELLED_AND_NOTIFIED"):
            self._condition = threading.Condition()
            return
        super().__init__()
        self._leaving = threading.Lock()
        self.fail(RuntimeError("it was submitted before the fork; its parent has the result"))

    def _leave(self) -> bool:
        """Whether the caller is the one who takes it out of the pending ones."""
        return self._leaving.acquire(blocking=False)


class _Batch:
    """Items that travel as one job, and those who still wait for them."""

    def __init__(self, kwargs: str) -> None:
        self.kwargs, self.job_id = kwargs, ""
        self.items: list[str] = []
        self.futures: dict[int, HiveFuture] = {}
        self.size = self.chars = 0
        #: How many of them run, as its job was last heard to say.
        self.running = 0

    def add(self, item: str, future: HiveFuture) -> None:
        future.batch, future.index = self, self.size
        self.futures[self.size] = future
        self.items.append(item)
        self.size += 1
        self.chars += len(item)

    @property
    def full(self) -> bool:
        return self.size >= BATCH_ITEMS or self.chars >= BATCH_CHARS


class HiveExecutor(Executor):
    """Runs one task on the Hive, item by item: `submit(item, **kwargs)`, `map(items)`.

    Where other executors take a function, the task's name may stand: `map("demo.echo", items)`.
    """

    def __init__(self, hive: Hive, task: str, /, *, window: float = 0.01, **options: Any) -> None:
        self.task = task
        self._hive, self._window = hive, window
        self._kwargs = options.pop("kwargs", None) or {}
        self._head = json.dumps({**options, "task": task}, allow_nan=False)[:-1]
        self._closed = False
        self._begin()
        _executors.add(self)

    def _begin(self) -> None:
        # Guards everything here; told whenever a thread ends, and of the shutdown.
        self._changed = threading.Condition()
        self._waiting: list[tuple[str, str, HiveFuture]] = []
        # Those, too, that a thread has taken out of where they were, and not yet settled.
        self._futures: weakref.WeakSet[HiveFuture] = weakref.WeakSet()
        self._batches: set[_Batch] = set()
        self._stirred: set[_Batch] = set()
        self._threads: set[threading.Thread] = set()
        self._sending, self._looking = False, False

    def run(self, item: Any = None, /, **kwargs: Any) -> Any:
        """The result of the task for one item, waited for."""
        return self.submit(item, **kwargs).result()

    def submit(self, /, *call: Any, **kwargs: Any) -> HiveFuture:
        """Run the task for an item; keyword arguments are the task's.

        Raises `TypeError` or `ValueError` for what is not JSON, `RuntimeError` after `shutdown`
        or if there can be no thread for it.
        """
        item = json.dumps(self._read_call(call), allow_nan=False)
        shared = json.dumps({**self._kwargs, **kwargs}, sort_keys=True, allow_nan=False)
        future = HiveFuture(self._give_up)
        with self._changed:
            if self._closed:
                raise RuntimeError("cannot schedule new futures after shutdown")
            if not self._sending:
                self._start(self._send_all)
                self._sending = True
            self._futures.add(future)
            self._waiting.append((item, shared, future))
        return future

    def map(self, /, *call: Any, timeout: float | None = None, chunksize: int = 1) -> Iterator[Any]:
        """The results for all items, in order; the Hive cuts its bundles itself.

        Raises what the first task that failed raised, `TimeoutError` after `timeout` seconds.
        """
        if chunksize < 1:
            raise ValueError("chunksize must be >= 1.")
        fn, *iterables = call if len(call) > 1 else (self.task, *call)
        return super().map(fn, *iterables, timeout=timeout)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take nothing more; wait for what is on its way, or cancel what is pending."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            pending = self._open_futures()
        if cancel_futures:
            for future in pending:
                future.cancel()
        if wait:
            mine = {threading.current_thread()}
            with self._changed:
                self._changed.wait_for(lambda: self._threads <= mine)

    # Threads: one sends, one follows each job, one looks what has begun.

    def _read_call(self, call: tuple[Any, ...]) -> Any:
        """The item of submit(), submit(item) and submit(fn, item). Raises `TypeError`."""
        if len(call) < 2:
            return call[0] if call else None
        if len(call) > 2 or call[0] not in (self.task, self.run):
            given = ", ".join(repr(part)[:50] for part in call)
            raise TypeError(f"({given}): this executor runs {self.task}; give it one item")
        return call[1]

    def _start(self, work: Callable[[], None]) -> None:
        """Start a thread. The interpreter waits for it at its end, as for those of any executor.

        The caller holds the lock. Raises `RuntimeError` if there can be no more threads.
        """

        def run() -> None:
            try:
                work()
            finally:
                with self._changed:
                    self._threads.discard(threading.current_thread())
                    self._changed.notify_all()

        thread = threading.Thread(target=run, name=f"hive-{self.task}")
        self._threads.add(thread)
        try:
            thread.start()
        except RuntimeError:
            self._threads.discard(thread)
            raise

    def _send_all(self) -> None:
        """Send what is submitted, until nothing was for a while."""
        while True:
            with self._changed:
                # Each job on its way costs a thread: if there are many, jobs become larger.
                crowd = len(self._threads) // 32
                window = min(self._window * 8**crowd, 5) if crowd else self._window
                self._changed.wait_for(lambda: self._closed, window)
                calls, self._waiting = self._waiting, []
                if not calls:
                    self._sending = False
                    return
                batches = _bundle(calls)
                self._batches |= batches
            for batch in batches:
                self._send(batch)

    def _send(self, batch: _Batch) -> None:
        body = f'{self._head}, "kwargs": {batch.kwargs}, "items": [{",".join(batch.items)}]}}'
        batch.items.clear()
        if not batch.futures:
            self._abandon(batch, CancelledError())
            return
        try:
            job = self._hive._post_once("jobs/", body.encode())
        except Exception as error:  # noqa: BLE001 whatever it is, those who wait must learn of it
            self._abandon(batch, error)
            return
        try:
            with self._changed:
                batch.job_id = job["id"]
                wanted = bool(batch.futures)
                self._start(partial(self._follow if wanted else self._drop, batch))
        except RuntimeError as error:
            self._abandon(batch, error)
            self._drop(batch)

    def _follow(self, batch: _Batch) -> None:
        try:
            if batch.size == 1:
                self._follow_one(batch)
            else:
                note = partial(self._note, batch)
                for row in self._hive._results_as_completed(batch.job_id, _Clock(None), note):
                    self._settle(batch, row)
            if batch.futures:  # which should not be
                raise JobFailed(self._hive.job(batch.job_id))
            with self._changed:
                self._batches.discard(batch)
        except Exception as error:  # noqa: BLE001 whatever it is, those who wait must learn of it
            self._abandon(batch, error)

    def _follow_one(self, batch: _Batch) -> None:
        """The end of the job is that of its only item, and the result, too."""
        seconds = 1
        while not (job := self._hive.job(batch.job_id, wait=seconds)).ended:
            with self._changed:
                future = batch.futures.get(0)
            if future and job["progress"]["running"]:
                future.start()
            seconds = min(2 * seconds, LONGEST_POLL_SECONDS)
        only = {"index": 0, "state": job["state"], "result": job["result"], "error": None}
        for row in [only] if job["state"] == "succeeded" else job.results():
            self._settle(batch, row)

    def _note(self, batch: _Batch, event: Event) -> None:
        """Have somebody look which items have begun, if some have."""
        if event.kind != "state" or not event.data["progress"]["running"]:
            return
        with suppress(RuntimeError), self._changed:
            batch.running = event.data["progress"]["running"]
            self._stirred.add(batch)
            if not self._looking:
                # Apart from those who follow, so that no result waits for it.
                self._start(self._look_around)
                self._looking = True

    def _look_around(self) -> None:
        """Look at all jobs in which something began, until there was none for a while."""
        while True:
            with self._changed:
                # Whoever waits in shutdown() waits for this thread, too.
                self._changed.wait_for(
                    lambda: self._closed and not self._batches, BEGUN_EVERY_SECONDS
                )
                stirred, self._stirred = self._stirred & self._batches, set()
                if not stirred:
                    self._looking = False
                    return
            for batch in stirred:
                self._mark_running(batch)

    def _mark_running(self, batch: _Batch) -> None:
        path = f"jobs/{batch.job_id}/subtasks/?state=running&limit=1000"
        try:
            rows = list(self._hive._rows(path, _Clock(BEGUN_PATIENCE_SECONDS)))
        except HiveError:
            return  # whoever follows the job will learn why
        except (exceptions.HTTPError, TimeoutError):
            rows = []
        with self._changed:
            if len(rows) < batch.running:
                # A row shows later than the count that it runs, and nobody tells of it again.
                self._stirred.add(batch)
            for row in rows:
                # Under the lock: whoever settles it has taken it out before.
                if future := batch.futures.get(row["index"]):
                    future.start()

    # Ends.

    def _settle(self, batch: _Batch, row: Mapping[str, Any]) -> None:
        with self._changed:
            future = batch.futures.pop(row["index"], None)
        if future:
            future.settle(row)

    def _abandon(self, batch: _Batch, error: Exception) -> None:
        with self._changed:
            self._batches.discard(batch)
            left = list(batch.futures.values())
            batch.futures.clear()
        for future in left:
            future.fail(error)

    def _give_up(self, future: HiveFuture) -> None:
        """Nobody wants this one any more; stop its job if it was the last."""
        with self._changed:
            batch = future.batch
            if not batch or not batch.futures.pop(future.index, None):
                return
            if batch.futures or not batch.job_id:
                return
            with suppress(RuntimeError):
                self._start(partial(self._drop, batch))
                return
        self._drop(batch)  # there can be no more threads

    def _drop(self, batch: _Batch) -> None:
        self._hive._cancel_quietly(batch.job_id)
        with self._changed:
            self._batches.discard(batch)

    def _open_futures(self) -> list[HiveFuture]:
        waiting = [future for _, _, future in self._waiting]
        return waiting + [f for batch in self._batches for f in batch.futures.values()]

    def _begin_anew(self) -> None:
        """Begin again in a child of the process, which has none of its threads."""
        orphans = list(self._futures)
        self._begin()
        for future in orphans:
            future.orphan()


# A fork: the child has the objects of its parent, but none of its threads.

_hives: "weakref.WeakSet[Hive]" = weakref.WeakSet()
_executors: "weakref.WeakSet[HiveExecutor]" = weakref.WeakSet()
#: Never closed: that might wait for a lock which a thread of the parent's held at the fork.
_inherited: list[urllib3.PoolManager] = []


def _open_pool() -> urllib3.PoolManager:
    return urllib3.PoolManager(maxsize=64)


def _leave_the_parent() -> None:
    """A child of this process talks over connections of its own, and has no threads yet."""
    for hive in list(_hives):
        _inherited.append(hive._pool)
        hive._pool = _open_pool()
    for executor in list(_executors):
        executor._begin_anew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_the_parent)


# Small parts.


def wants_to_detach(job_id: str) -> bool:
    """Ask on the terminal whether a job shall go on after Ctrl-C; without a terminal it shall not.

    Ctrl-C once more is a no.
    """
    if not all(stream and stream.isatty() for stream in (sys.stdin, sys.stderr)):
        return False
    sys.stderr.write(f"\n{job_id} is not done. Let it run [D], or cancel it [c]? ")
    sys.stderr.flush()
    try:
        detach = not sys.stdin.readline().strip().lower().startswith("c")
    except KeyboardInterrupt:
        detach = False
    sys.stderr.write(f"{job_id} goes on\n" if detach else f"{job_id} is cancelled\n")
    return detach


def task_failure(result: Mapping[str, Any]) -> TaskFailed:
    """The exception for a result that is none; a ValueError, too, if the task raised ValueError."""
    kind = getattr(builtins, str((result["error"] or {}).get("type")), None)
    return _failure_class(kind)(result) if isinstance(kind, type) else TaskFailed(result)


@cache
def _failure_class(kind: type) -> type[TaskFailed]:
    # A StopIteration would end loops, and groups want to be made of others.
    strange = (StopIteration, StopAsyncIteration, BaseExceptionGroup)
    if not issubclass(kind, Exception) or issubclass(kind, strange):
        return TaskFailed
    return type(kind.__name__, (TaskFailed, kind), {"__module__": TaskFailed.__module__})


class _Clock:
    """How much of a timeout is left; for ever if there is none."""

    def __init__(self, seconds: float | None) -> None:
        self._seconds, self._begun = seconds, time.monotonic()

    @property
    def left(self) -> float | None:
        if self._seconds is None:
            return None
        return max(self._begun + self._seconds - time.monotonic(), 0.0)

    def at_most(self, seconds: float) -> float:
        left = self.left
        return seconds if left is None else min(left, seconds)

    def limits(self) -> urllib3.Timeout:
        """Of one request."""
        connect, read = CONNECT_SECONDS, READ_SECONDS
        if self.left is not None:
            most = self.left + ANSWER_SECONDS
            connect, read = min(connect, most), min(read, most)
        return urllib3.Timeout(connect=connect, read=read)

    def check(self, what: str) -> None:
        if self.left == 0:
            raise TimeoutError(f"{what} after {self._seconds:g} s")


class _Bar:
    """A line on the terminal that shows how far a job is; nothing anywhere else."""

    CELLS = 30

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._shown = bool(sys.stderr and sys.stderr.isatty())

    def draw(self, job: Job) -> None:
        if not self._shown:
            return
        progress = job["progress"]
        done = sum(progress.get(state, 0) for state in ("succeeded", "failed", "cancelled"))
        total = progress["total"]  # a job that waits for others may not know it yet
        share = done / total if total else 0.0
        cells = int(share * self.CELLS)
        failed = f", {progress['failed']} failed" if progress.get("failed") else ""
        bar = "█" * cells + "·" * (self.CELLS - cells)
        seconds = time.monotonic() - self._begun
        line = f"{job['task']} {bar} {done}/{total}{failed}  {seconds:.0f} s"
        sys.stderr.write(f"\r\x1b[K{line}")
        sys.stderr.flush()

    def close(self) -> None:
        if self._shown:
            sys.stderr.write("\n")


def _bundle(calls: Iterable[tuple[str, str, HiveFuture]]) -> set[_Batch]:
    """The calls that nobody cancelled, in as few jobs as they fit in."""
    batches: set[_Batch] = set()
    filling: dict[str, _Batch] = {}
    for item, kwargs, future in calls:
        if future.cancelled():
            continue
        batch = filling.get(kwargs)
        if batch is None or batch.full:
            batch = filling[kwargs] = _Batch(kwargs)
            batches.add(batch)
        batch.add(item, future)
    return batches


def _lines(answer: urllib3.BaseHTTPResponse, clock: _Clock) -> Iterator[str]:
    """The lines of an answer as they arrive."""
    rest = b""
    while True:
        sock = getattr(answer.connection, "sock", None)
        if sock:
            sock.settimeout(clock.at_most(READ_SECONDS) or 0.001)
        chunk = answer.read1(65536)
        if not chunk:
            return
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line.decode(errors="replace").rstrip("\r")


def _parse_events(lines: Iterable[str]) -> Iterator[Event]:
    """Server-sent events (WHATWG HTML, 9.2.6), their data as JSON."""
    kind, last = "", None
    data: list[str] = []
    for line in lines:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            if data:
                yield Event(kind, json.loads("\n".join(data)), last)
            kind, data = "", []
        elif name == "event":
            kind = value
        elif name == "data":
            data.append(value)
        elif name == "id":
            last = value


def _encode(value: Any) -> bytes:
    return json.dumps(value, allow_nan=False).encode()


def _decode(answer: urllib3.BaseHTTPResponse) -> Any:
    try:
        return json.loads(answer.data or b"{}")
    except ValueError:
        return {"detail": answer.data[:200].decode(errors="replace")}


def _absolute(url: str, path: str) -> str:
    if path.startswith(("http://", "https://")):
        return path
    return f"{url}{path}" if path.startswith("/api/v1/") else f"{url}/api/v1/{path}"


def _traced() -> dict[str, str]:
    """The headers with which OpenTelemetry continues the trace of the program that calls, if that
    uses it."""
    headers: dict[str, str] = {}
    if "opentelemetry.trace" in sys.modules:
        from opentelemetry.propagate import inject

        inject(headers)
    return headers


def _retry_after(answer: urllib3.BaseHTTPResponse) -> float:
    """Seconds that the Nexus asked for; a date, which it never sends, counts as none."""
    text = answer.headers.get("Retry-After", "")
    return float(text) if text.isdecimal() else 0.0


def _detail(error: Any) -> str:
    known = isinstance(error, dict) and {"pointer", "detail"} <= error.keys()
    return f"{error['pointer']}: {error['detail']}" if known else str(error)


def _id(job: str | Mapping[str, Any]) -> str:
    return job if isinstance(job, str) else str(job["id"])


def _reason(job: Mapping[str, Any]) -> str:
    if job.get("error"):
        return str(job["error"]["message"])
    progress = job["progress"]
    return f"{progress['failed']} of {progress['total']} subtasks failed"
