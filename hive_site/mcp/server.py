"""The tools, over whatever transport: what an agent can do with the Hive."""

from collections.abc import Callable
from inspect import getdoc
from typing import Annotated, Any

import anyio
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.stdio import stdio_server
from mcp_types import ToolAnnotations
from pydantic import Field

from hive_site.mcp.desk import ask, cancelling, merge, read_page, require_reader, wait
from hive_site.mcp.digests import clip, digest_error, digest_job, digest_result, fit, summarise
from hive_site.mcp.pipe import Pipe
from hive_site.mcp.shapes import (
    Call,
    Cluster,
    Executed,
    JobId,
    Mapped,
    Options,
    Priority,
    Queue,
    Results,
    Status,
    TaskName,
    Tasks,
    Wait,
)
from jobs.client import Hive, Job

INSTRUCTIONS = """\
THE HIVE runs tasks for many items on a cluster of machines. list_tasks says what can be run;
map_reduce runs one task for a list of items, parallel_execute runs different tasks side by side.
Both wait a while and return what is there; get_task_status and job_results follow what goes on."""
READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
SUBMITS = ToolAnnotations(read_only_hint=False, destructive_hint=False)
STOPS = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=True)
NODE_FIELDS = ("name", "state", "slots", "running", "cpu", "memory", "gpus", "labels", "release")
MOST_CALLS = 1_000


class HiveServer(MCPServer[Any]):
    """An MCP server that takes no argument it does not know, and can end what it is asked."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._calls: dict[anyio.CancelScope, str] = {}
        #: The ids of the calls that were ended and whose answers are not written yet.
        self.owed: set[str] = set()
        self._through: anyio.Event | None = None

    async def cancel_calls(self) -> None:
        """End all calls that run; returns when each has cancelled its jobs."""
        self._through = anyio.Event()
        self.owed.update(self._calls.values())
        for scope in self._calls:
            scope.cancel()
        if self._calls:
            await self._through.wait()

    async def serve_through(self, pipe: Pipe) -> None:
        """Serve one agent on stdin and this pipe, until it closes stdin."""
        server = self._lowlevel_server
        async with stdio_server(stdout=pipe) as (reading, writing):
            await server.run(reading, writing, server.create_initialization_options())

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Any, Any] | None = None
    ) -> Any:
        """Call a tool. Raises `ToolError` that names the argument that is wrong."""
        tool = self._tool_manager.get_tool(name)
        known = tool.parameters["properties"] if tool else arguments
        for argument in arguments:
            if argument not in known:
                raise ToolError(f"{argument}: no argument of {name}; it takes {', '.join(known)}")
        with anyio.CancelScope() as scope:
            self._calls[scope] = context.request_id if context else ""
            try:
                return await super().call_tool(name, arguments, context)
            finally:
                del self._calls[scope]
                if self._through and not self._calls:
                    self._through.set()
        raise ToolError("the server was told to end; what this call submitted is cancelled")


class Tools:
    """What an agent can do, on the Nexus that `find_hive` finds for whoever is calling."""

    def __init__(self, find_hive: Callable[[], Hive]) -> None:
        self._find_hive = find_hive

    async def list_tasks(
        self,
        *,
        search: Annotated[str, Field(description="only tasks whose name or summary has this")] = "",
    ) -> Tasks:
        """List the tasks that can be run, with what they do and their defaults."""
        rows = (await ask(self._find_hive().request, "GET", "tasks/"))["results"]
        word = search.lower()
        found = [row for row in rows if word in f"{row['name']} {row['summary']}".lower()]
        return Tasks.model_validate({"tasks": found})

    async def map_reduce(
        self,
        ctx: Context[Any, Any],
        *,
        task: TaskName,
        items: Annotated[
            list[Any], Field(description="one subtask runs for each, 100,000 at most")
        ],
        reduce: Annotated[
            str | None, Field(description="task that gets the list of all results")
        ] = None,
        kwargs: Annotated[
            dict[str, Any] | None, Field(description="keyword arguments shared by all items")
        ] = None,
        queue: Queue = "background",
        priority: Priority = 5,
        wait_timeout: Wait = 60,
        options: Options | None = None,
    ) -> Mapped:
        """Run a task for every item on the cluster, reduce the results if asked to, and wait.

        Returns the results in item order. What has not ended in time goes on.
        """
        hive, jobs = self._find_hive(), list[Job]()
        fields = {"reduce": reduce, "kwargs": kwargs, "queue": queue, "priority": priority}
        wish = merge(options or {}, {"task": task, "items": items, **fields})
        await require_reader(hive)
        async with cancelling(hive, jobs):
            jobs.append(await ask(hive.submit, **wish))
            [job] = await wait(hive, jobs, wait_timeout, ctx.report_progress)
        page = await read_page(hive, job)
        reduced, cut = clip(job["result"] if reduce else None)
        waits = "" if job.ended else f"not done yet: get_task_status(job_id={job.id!r}); "
        return Mapped(
            job_id=job.id,
            state=job["state"],
            summary=summarise([job["progress"]]),
            reduced=reduced,
            truncated=cut,
            error=digest_error(job["error"]),
            results=page.results,
            next_cursor=page.next_cursor,
            hint=f"{waits}{page.hint}".removesuffix("; "),
        )

    async def parallel_execute(
        self,
        ctx: Context[Any, Any],
        *,
        calls: Annotated[list[Call], Field(min_length=1, max_length=MOST_CALLS)],
        queue: Queue = "high_priority",
        priority: Priority = 5,
        wait_timeout: Wait = 60,
    ) -> Executed:
        """Run different tasks side by side on the cluster and wait; results in the calls' order."""
        hive, jobs = self._find_hive(), list[Job]()
        places: dict[str, list[int]] = {}
        for place, call in enumerate(calls):
            places.setdefault(call.task, []).append(place)
        await require_reader(hive)
        async with cancelling(hive, jobs):
            for task, mine in places.items():
                items = [calls[place].item for place in mine]
                jobs.append(await ask(hive.submit, task, items, queue=queue, priority=priority))
            ended = await wait(hive, jobs, wait_timeout, ctx.report_progress)
        rows = {}
        for job, mine in zip(ended, places.values(), strict=True):
            for row in await ask(read_all, job):
                rows[mine[row["index"]]] = row
        kept = fit(digest_result(row, index=place) for place, row in sorted(rows.items()))
        names = [job.id for job in ended]
        return Executed(
            job_ids=names,
            summary=summarise(job["progress"] for job in ended),
            results=kept,
            hint="" if len(kept) == len(rows) else f"more: job_results of {', '.join(names)}",
        )

    async def get_task_status(
        self, ctx: Context[Any, Any], *, job_id: JobId, wait_timeout: Wait = 0
    ) -> Status:
        """Say how far a job is: state, progress, and its result or error once it has ended."""
        hive = self._find_hive()
        jobs = [await ask(hive.job, job_id)]
        [job] = await wait(hive, jobs, wait_timeout, ctx.report_progress)
        return digest_job(job)

    async def job_results(
        self,
        *,
        job_id: JobId,
        cursor: Annotated[
            str | None, Field(description="next_cursor of the page before; none for the first")
        ] = None,
        limit: Annotated[int, Field(ge=1, le=1000)] = 50,
    ) -> Results:
        """Read the results of a job in item order, page by page."""
        hive = self._find_hive()
        return await read_page(hive, await ask(hive.job, job_id), cursor=cursor, limit=limit)

    async def cancel_job(self, *, job_id: JobId) -> Status:
        """Stop a job that has not ended. What has ended of it stays."""
        return digest_job(await ask(self._find_hive().cancel, job_id))

    async def cluster_status(self) -> Cluster:
        """Say which machines there are, how busy they are, and what waits in the queues."""
        hive = self._find_hive()
        view = await ask(hive.request, "GET", "cluster/")
        nodes = (await ask(hive.request, "GET", "nodes/"))["results"]
        rows = [{name: node.get(name) for name in NODE_FIELDS} for node in nodes]
        return Cluster.model_validate({**view, "nodes": rows})


def read_all(job: Job) -> list[dict[str, Any]]:
    """All results of a job."""
    return list(job.results())


def build_server(find_hive: Callable[[], Hive], *, version: str = "", **options: Any) -> HiveServer:
    """A server whose tools ask the Nexus of `find_hive`, which may look at who is calling."""
    server, tools = (
        HiveServer(
            "the-hive",
            title="The Hive",
            instructions=INSTRUCTIONS,
            version=version,
            log_level="WARNING",
            **options,
        ),
        Tools(find_hive),
    )
    for annotations, verbs in (
        (SUBMITS, (tools.map_reduce, tools.parallel_execute)),
        (STOPS, (tools.cancel_job,)),
        (READS, (tools.list_tasks, tools.get_task_status, tools.job_results)),
        (READS, (tools.cluster_status,)),
    ):
        for verb in verbs:
            server.add_tool(verb, description=getdoc(verb), annotations=annotations)
    return server
