"""What the standard library expects of an executor (Lib/test/test_concurrent_futures), of ours.

An executor of the Hive runs one task: where the originals hand in functions, these take tasks.
"""

import asyncio
import contextlib
import gc
import subprocess
import sys
import threading
import time
import weakref
from concurrent import futures
from concurrent.futures import CancelledError, Executor, Future

import pytest

from hive_site.configuration import PROJECT
from jobs.client import TaskFailed
from tests.end_to_end.colony import until

pytestmark = pytest.mark.processes
SOON = 30


@pytest.fixture
def executor(hive):
    """Makes executors; each is shut down with the test."""
    with contextlib.ExitStack() as stack:
        yield lambda task, **options: stack.enter_context(hive.executor(task, **options))


@pytest.fixture
def echo(executor):
    return executor("demo.echo")


def jobs_of(hive, task):
    return hive.request("GET", f"jobs/?task={task}&limit=1000")["results"]


class TestSubmit:
    def test_submit(self, echo):
        future = echo.submit([2, 8])

        assert isinstance(echo, Executor)
        assert isinstance(future, Future)
        assert future.result(SOON) == [2, 8]
        assert (future.done(), future.running(), future.cancelled()) == (True, False, False)
        assert future.exception() is None

    def test_submit_keyword(self, executor):
        executor = executor("odd.context", kwargs={"greeting": "hello"})

        assert executor.submit(None).result(SOON)["said"] == "hello"
        assert executor.submit(None, greeting="bye").result(SOON)["said"] == "bye"

    def test_submit_takes_the_task_where_others_take_a_function(self, echo):
        assert echo.submit("demo.echo", 5).result(SOON) == 5
        assert echo.submit("demo.echo").result(SOON) == "demo.echo"
        assert echo.submit().result(SOON) is None

    @pytest.mark.parametrize("call", [(pow, 2), ("demo.sleep", 2), (1, 2, 3)])
    def test_another_function_is_refused_at_once(self, echo, call):
        with pytest.raises(TypeError, match=r"runs demo\.echo; give it one item"):
            echo.submit(*call)

    @pytest.mark.parametrize("item", [object(), {1}, float("nan")])
    def test_what_cannot_travel_is_refused_at_once(self, echo, item):
        with pytest.raises((TypeError, ValueError)):
            echo.submit(item)

    def test_an_exception_of_the_task_is_raised_with_its_kind_words_and_traceback(self, executor):
        future = executor("demo.fail", retries=0).submit("no luck")

        with pytest.raises(ValueError, match="ValueError: no luck") as caught:
            future.result(SOON)
        assert isinstance(caught.value, TaskFailed)
        assert caught.value.message == "no luck"
        assert "raise ValueError(item)" in "".join(caught.value.__notes__)

    def test_what_the_nexus_refuses_is_an_exception_of_the_future(self, executor):
        future = executor("demo.echo", priority=11).submit(1)

        assert "/priority: 11" in str(future.exception(SOON))

    def test_many_submits_travel_in_few_jobs(self, hive, executor):
        executor = executor("odd.coroutine", labels={"test": "few"})

        waiting = [executor.submit(n) for n in range(2_000)]

        assert [future.result(SOON) for future in waiting] == list(range(1, 2_001))
        jobs = hive.request("GET", "jobs/?label.test=few")["results"]
        assert len(jobs) < 100
        assert sum(job["progress"]["total"] for job in jobs) == 2_000

    def test_threads_may_share_it(self, echo):
        found, threads = {}, []
        for n in range(8):
            work = lambda n=n: found.update({n: [echo.run([n, k]) for k in range(5)]})  # noqa: E731
            threads.append(threading.Thread(target=work))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(SOON)

        assert found == {n: [[n, k] for k in range(5)] for n in range(8)}


class TestMap:
    def test_map(self, echo):
        assert list(echo.map(range(10))) == list(range(10))
        assert list(echo.map("demo.echo", range(10), chunksize=3)) == list(range(10))
        assert list(echo.map([])) == []

    def test_map_exception(self, executor):
        found = executor("demo.flaky", retries=0).map([0, 0, 9, 0])

        assert (next(found), next(found)) == (1, 1)
        with pytest.raises(RuntimeError, match="attempt 1 of the 9"):
            next(found)

    def test_map_timeout(self, executor, marks):
        found = executor("odd.hold").map([str(marks.place)], timeout=0.1)

        with pytest.raises(futures.TimeoutError):
            next(found)
        marks.go()

    @pytest.mark.parametrize("size", [0, -1])
    def test_map_chunksize(self, echo, size):
        with pytest.raises(ValueError, match="chunksize must be >= 1"):
            echo.map([1], chunksize=size)

    def test_map_of_more_than_one_iterable_is_refused(self, echo):
        with pytest.raises(TypeError, match="give it one item"):
            echo.map("demo.echo", [1], [2])


class TestShutdown:
    def test_run_after_shutdown(self, echo):
        echo.shutdown()

        with pytest.raises(RuntimeError, match="cannot schedule new futures after shutdown"):
            echo.submit(2)

    def test_the_end_of_a_with_block_waits_for_everything(self, hive):
        with hive.executor("demo.sleep") as executor:
            waiting = [executor.submit(0.1) for _ in range(12)]

        assert all(future.done() for future in waiting)
        assert not [t for t in threading.enumerate() if t.name == "hive-demo.sleep"]

    def test_shutdown_without_waiting_lets_everything_end(self, hive):
        executor = hive.executor("demo.sleep")
        waiting = [executor.submit(0.1) for _ in range(12)]

        executor.shutdown(wait=False)

        assert not all(future.done() for future in waiting)
        done, pending = futures.wait(waiting, SOON)
        assert (len(done), pending) == (12, set())
        assert {future.result()["attempt"] for future in waiting} == {1}

    def test_cancel_futures(self, hive, marks):
        executor = hive.executor("odd.hold", window=0.001)
        waiting = [executor.submit(str(marks.place)) for _ in range(20)]
        marks.await_count(1)

        executor.shutdown(cancel_futures=True)

        assert all(future.cancelled() or future.done() for future in waiting)
        assert any(future.cancelled() for future in waiting)
        states = {job["state"] for job in jobs_of(hive, "odd.hold")[:5]}
        assert states <= {"cancelled", "cancelling", "succeeded", "partial"}

    def test_hang_gh94440_shutdown_of_what_never_worked(self, hive):
        hive.executor("demo.echo").shutdown()

    def test_shutdown_twice(self, echo):
        echo.submit(1)
        echo.shutdown()
        echo.shutdown()

    def test_shutdown_from_a_callback(self, hive):
        executor, ended = hive.executor("demo.echo"), threading.Event()

        def stop(future):
            executor.shutdown()
            ended.set()

        executor.submit(1).add_done_callback(stop)

        assert ended.wait(SOON)

    def test_shutdown_race_issue12456(self, hive):
        for _ in range(3):
            executor = hive.executor("demo.echo", window=0.001)
            waiting = [executor.submit(n) for n in range(100)]
            executor.shutdown()
            assert [future.result(0) for future in waiting] == list(range(100))

    def test_del_shutdown(self, hive):
        executor = hive.executor("demo.echo")
        future, gone = executor.submit(1), weakref.ref(executor)

        del executor

        assert future.result(SOON) == 1
        until(lambda: gc.collect() is not None and gone() is None, what="the executor's end")

    def test_interpreter_shutdown(self, colony):
        ready = colony.stack.ready
        code = (
            "import sys; from jobs.client import Hive\n"
            "executor = Hive(*sys.argv[1:]).executor('demo.sleep')\n"
            "executor.submit(0.3).add_done_callback(lambda f: print(f.result()['attempt']))\n"
        )

        ran = subprocess.run(
            [sys.executable, "-c", code, ready["nexus"], ready["api_key"]],
            cwd=PROJECT,
            capture_output=True,
            text=True,
            timeout=SOON,
            check=False,
        )

        assert (ran.stdout, ran.stderr) == ("1\n", "")


class TestFutures:
    def test_no_stale_references(self, echo):
        class Item(dict):
            pass

        item = Item(a=1)
        gone, ended = weakref.ref(item), threading.Event()
        future = echo.submit(item)
        future.add_done_callback(lambda _: ended.set())

        del item

        assert ended.wait(SOON)
        assert gone() is None

    def test_free_reference(self, echo):
        for found in echo.map([{"n": n} for n in range(5)]):
            gone = sys.getrefcount(found)
            assert gone <= 3

    def test_a_future_is_pending_then_running_then_done(self, executor, marks):
        future = executor("odd.hold_once").submit(str(marks.place))

        assert not future.running()
        until(future.running, what="a running future")
        assert (future.cancel(), future.done()) == (False, False)
        marks.go()
        assert future.result(SOON) == 1

    def test_futures_that_travel_together_are_running_once_they_are(self, executor, marks):
        executor = executor("odd.hold_once", window=0.2)
        waiting = [executor.submit(str(marks.place)) for _ in range(3)]

        until(lambda: all(future.running() for future in waiting), what="running futures")

        assert len(executor._batches) == 1
        assert not any(future.cancel() for future in waiting)
        marks.go()
        assert [future.result(SOON) for future in waiting] == [1, 1, 1]

    def test_cancelling_a_pending_future_cancels_its_job(self, hive, executor, marks):
        executor = executor("odd.hold", labels={"test": "given up"}, delay=60)
        future = executor.submit(str(marks.place))
        job = lambda: hive.request("GET", "jobs/?label.test=given+up")["results"]  # noqa: E731
        until(job, what="the job")

        assert future.cancel()

        assert (future.cancelled(), future.done(), future.cancel()) == (True, True, True)
        with pytest.raises(CancelledError):
            future.result()
        until(lambda: job()[0]["state"] == "cancelled", what="the end of the job")

    def test_cancelling_one_of_many_leaves_the_others(self, executor):
        executor = executor("demo.echo", delay=1)
        waiting = [executor.submit(n) for n in range(3)]

        assert waiting[1].cancel()

        assert (waiting[0].result(SOON), waiting[2].result(SOON)) == (0, 2)

    def test_what_somebody_else_cancels_is_cancelled(self, hive, executor):
        executor = executor("demo.echo", delay=60, labels={"test": "elsewhere"})
        waiting = [executor.submit(n) for n in range(3)]
        jobs = until(
            lambda: hive.request("GET", "jobs/?label.test=elsewhere")["results"], what="the job"
        )

        hive.cancel(jobs[0])

        for future in waiting:
            with pytest.raises(CancelledError):
                future.result(SOON)

    def test_wait_for_the_first(self, executor):
        executor = executor("demo.sleep")
        slow, fast = executor.submit(1), executor.submit(0)

        done, pending = futures.wait([slow, fast], SOON, futures.FIRST_COMPLETED)

        assert (done, pending) == ({fast}, {slow})

    def test_wait_for_the_first_exception(self, executor):
        executor = executor("demo.flaky", retries=0)
        good, bad = executor.submit(0), executor.submit(9)

        done, _ = futures.wait([good, bad], SOON, futures.FIRST_EXCEPTION)

        assert bad in done

    def test_wait_sees_a_future_that_is_cancelled_meanwhile(self, executor):
        future = executor("demo.echo", delay=60).submit(1)
        threading.Timer(0.05, future.cancel).start()

        done, pending = futures.wait([future], SOON)

        assert (done, pending) == ({future}, set())

    def test_as_completed_gives_what_ends_first(self, executor):
        executor = executor("demo.sleep")
        waiting = {executor.submit(seconds): seconds for seconds in (0.8, 0.4, 0)}

        order = [waiting[future] for future in futures.as_completed(waiting, SOON)]

        assert order == [0, 0.4, 0.8]

    def test_zero_timeout(self, executor):
        future = executor("demo.sleep").submit(0.2)

        with pytest.raises(futures.TimeoutError):
            list(futures.as_completed([future], timeout=0))

    def test_a_callback_may_submit(self, echo):
        ended: Future = Future()
        more = lambda first: echo.submit(first.result() + 1).add_done_callback(  # noqa: E731
            lambda second: ended.set_result(second.result())
        )

        echo.submit(1).add_done_callback(more)

        assert ended.result(SOON) == 2


class TestAsyncio:
    def test_run_in_executor(self, echo):
        async def main():
            loop = asyncio.get_running_loop()
            return await asyncio.gather(
                loop.run_in_executor(echo, echo.run, "a"),
                loop.run_in_executor(echo, "demo.echo", "b"),
                asyncio.wrap_future(echo.submit("c")),
            )

        assert asyncio.run(main()) == ["a", "b", "c"]

    def test_cancelling_the_asyncio_future_cancels_ours(self, executor):
        future = executor("demo.echo", delay=60).submit(1)

        async def main():
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(asyncio.wrap_future(future), 0.05)

        asyncio.run(main())

        assert future.cancelled()


def test_one_after_the_other_takes_no_longer_than_it_must(echo):
    echo.run(0)
    begun = time.monotonic()

    for n in range(10):
        echo.run(n)

    assert time.monotonic() - begun < 10 * 0.25
