"""Work on behalf of an agent: submit, wait with signs of life, read pages. For async code."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlencode, urlsplit

import anyio
from mcp.server.mcpserver.exceptions import ToolError

from hive_site.mcp.digests import digest_result, fit
from hive_site.mcp.shapes import Results
from jobs.client import Hive, HiveError, Job, Unreachable

T = TypeVar("T")
#: Told how many items have ended, and of how many.
Report = Callable[[float, float], Awaitable[None]]
SIGN_OF_LIFE_SECONDS = 2.0
GOODBYE_SECONDS = 5.0
#: Calls that wait hold a thread each, and there may be many.
_threads = anyio.CapacityLimiter(256)


async def ask(verb: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:
    """What the client's verb returns. Raises `ToolError` with what the Nexus said."""
    call = partial(verb, *args, **kwargs)
    try:
        return await anyio.to_thread.run_sync(call, abandon_on_cancel=True, limiter=_threads)
    except (HiveError, Unreachable) as error:
        raise ToolError(str(error)) from error
    except (TypeError, ValueError) as error:  # what is no JSON
        raise ToolError(f"items: {error}") from error


def merge(options: dict[str, Any], fields: dict[str, Any]) -> dict[str, Any]:
    """The fields of a job. Raises `ToolError` for one that is given in two places."""
    for name in options:
        if name in fields:
            raise ToolError(f"options.{name}: give it as {name}")
    return {**options, **fields}


async def require_reader(hive: Hive) -> None:
    """Raises `ToolError` if the key may not read, before a job is submitted in vain."""
    try:
        await ask(hive.request, "GET", "jobs/?limit=1")
    except ToolError as error:
        if status_of(error) != 403:
            raise
        way = "this tool waits for its jobs: take a key with the scopes submit and read"
        raise ToolError(f"{error}; {way}") from error


def status_of(error: ToolError) -> int:
    """The HTTP status with which the Nexus refused; 0 if it was something else."""
    return error.__cause__.status if isinstance(error.__cause__, HiveError) else 0


async def wait(hive: Hive, jobs: Sequence[Job], seconds: float, report: Report) -> list[Job]:
    """The jobs once all have ended, or as they are after `seconds`."""
    end = anyio.current_time() + seconds
    found = list(jobs)
    while True:
        ended = sum(sum(_ended(job)) for job in found)
        await report(ended, sum(job["progress"]["total"] for job in found))
        open_ = [place for place, job in enumerate(found) if not job.ended]
        left = end - anyio.current_time()
        if not open_ or left <= 0:
            return found
        # On the first one the Nexus waits; the others are looked at afterwards.
        for place in open_:
            pause = min(left, SIGN_OF_LIFE_SECONDS) if place == open_[0] else 0
            found[place] = await ask(hive.job, found[place], wait=round(pause, 3))


@contextlib.asynccontextmanager
async def cancelling(hive: Hive, jobs: list[Job]) -> AsyncIterator[None]:
    """Cancels the jobs if the agent gives up its call, or if something goes wrong with one."""
    try:
        yield
    except BaseException:
        with anyio.move_on_after(GOODBYE_SECONDS, shield=True):
            for job in jobs:
                with contextlib.suppress(ToolError):
                    await ask(hive.cancel, job)
        raise


async def read_page(hive: Hive, job: Job, *, cursor: str | None = None, limit: int = 50) -> Results:
    """As many results as an answer holds, from the cursor on."""
    answer = await ask(hive.request, "GET", _page_path(job, cursor, limit))
    rows = answer["results"]
    kept = fit(digest_result(row) for row in rows)
    if len(kept) < len(rows):
        # The Nexus alone makes cursors: ask for as many as there was room for.
        answer = await ask(hive.request, "GET", _page_path(job, cursor, len(kept)))
    following = _cursor(answer["next"])
    hint = ""
    if following:
        hint = f"more: job_results(job_id={job.id!r}, cursor={following!r})"
    elif any(row.truncated for row in kept):
        hint = "long results are cut; GET jobs/{id}/results/ of the REST API has them whole"
    return Results(
        job_id=job.id, state=job["state"], results=kept, next_cursor=following, hint=hint
    )


def _ended(job: Job) -> list[int]:
    return [job["progress"][name] for name in ("succeeded", "failed", "cancelled")]


def _page_path(job: Job, cursor: str | None, limit: int) -> str:
    query = {"limit": limit, **({"cursor": cursor} if cursor else {})}
    return f"jobs/{job.id}/results/?{urlencode(query)}"


def _cursor(url: str | None) -> str | None:
    return parse_qs(urlsplit(url).query)["cursor"][0] if url else None
