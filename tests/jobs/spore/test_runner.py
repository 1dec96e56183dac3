"""Whatever kind of callable a task is, one item of it has one result."""

import asyncio

import pytest

from jobs.registry import Task
from jobs.spore.runner import run_item


def run(task, item=3, *, share=lambda value: None, **kwargs):
    return run_item(Task(name="t.task", run=task), object(), item, kwargs, share=share)


def test_a_function_gives_what_it_returns():
    assert run(lambda ctx, item: item + 1) == 4


def test_the_item_comes_after_the_context_and_keywords_by_name():
    def task(*args, **kwargs):
        return len(args), args[1], kwargs

    assert run(task, 7, sentences=2) == (2, 7, {"sentences": 2})


def test_a_coroutine_is_awaited():
    async def task(ctx, item):
        await asyncio.sleep(0)
        return item + 1

    assert run(task) == 4


def test_a_generator_runs_to_its_end_and_gives_what_it_returns():
    seen = []

    def task(ctx, item):
        for n in range(item):
            yield seen.append(n)
        return "done"

    assert run(task) == "done"
    assert seen == [0, 1, 2]


def test_an_async_generator_runs_to_its_end_and_gives_nothing():
    seen = []

    async def task(ctx, item):
        for n in range(item):
            await asyncio.sleep(0)
            yield seen.append(n)

    assert run(task) is None
    assert seen == [0, 1, 2]


def fails(ctx, item):
    raise LookupError(item)


async def fails_later(ctx, item):
    raise LookupError(item)


def fails_in_the_middle(ctx, item):
    yield 1
    raise LookupError(item)


async def fails_in_the_middle_later(ctx, item):
    yield 1
    raise LookupError(item)


@pytest.mark.parametrize(
    "task", [fails, fails_later, fails_in_the_middle, fails_in_the_middle_later]
)
def test_what_a_task_raises_comes_out_as_it_is(task):
    with pytest.raises(LookupError, match="3"):
        run(task)


class Interruption(BaseException):
    pass


async def interrupted(ctx, item):
    raise Interruption


def interrupted_in_the_middle(ctx, item):
    yield 1
    raise Interruption


@pytest.mark.parametrize("task", [interrupted, interrupted_in_the_middle])
def test_an_interruption_is_no_exception_and_comes_out_too(task):
    with pytest.raises(Interruption):
        run(task)


def test_a_coroutine_in_the_middle_of_its_wait_can_be_interrupted():
    import signal

    def ring(signum, frame):
        raise Interruption

    async def task(ctx, item):
        signal.raise_signal(signal.SIGUSR2)
        await asyncio.sleep(60)

    before = signal.signal(signal.SIGUSR2, ring)
    try:
        with pytest.raises(Interruption):
            run(task)
    finally:
        signal.signal(signal.SIGUSR2, before)


async def yields_later(ctx, item):
    for n in range(item):
        await asyncio.sleep(0)
        yield n


def yields(ctx, item):
    yield from range(item)


@pytest.mark.parametrize("task", [yields, yields_later])
def test_what_a_generator_yields_is_shared_in_order(task):
    shared = []

    run(task, share=shared.append)

    assert shared == [0, 1, 2]


@pytest.mark.parametrize("later", [False, True])
def test_what_cannot_be_shared_ends_the_task_which_may_clean_up(later):
    cleaned = []

    def now(ctx, item):
        try:
            yield 1
        finally:
            cleaned.append(item)

    async def then(ctx, item):
        try:
            yield 1
        finally:
            cleaned.append(item)

    def refuse(value):
        raise ValueError("too large")

    with pytest.raises(ValueError, match="too large"):
        run(then if later else now, share=refuse)
    assert cleaned == [3]
