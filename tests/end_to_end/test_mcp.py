"""The MCP server as a process of its own, spoken to by the SDK's own client."""

import asyncio
import contextlib
import json
import signal
import subprocess
import sys
from contextlib import asynccontextmanager

import anyio
import httpx2
import pytest
import urllib3
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client

from hive_site.configuration import PROJECT
from tests.end_to_end.colony import PATIENCE, clean_environment, until

pytestmark = pytest.mark.processes
MANAGE = str(PROJECT / "manage.py")
TOOLS = {
    *("list_tasks", "map_reduce", "parallel_execute", "get_task_status"),
    *("job_results", "cancel_job", "cluster_status"),
}


class Front:
    """`hive mcp` over HTTP, until `stop`."""

    def __init__(self, colony, place):
        self.log = place / "mcp.log"
        script = [sys.executable, MANAGE, "hive", "mcp", "--http", "127.0.0.1:0"]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(script, env=colony.beside, stderr=log, cwd="/")
        until(lambda: "MCP at" in self.log.read_text(), what="an MCP server")
        self.url = self.log.read_text().split("MCP at ")[1].split()[0]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)


@pytest.fixture(scope="module")
def front(colony, tmp_path_factory):
    front = Front(colony, tmp_path_factory.mktemp("mcp"))
    yield front
    front.process.kill()
    front.process.wait()


@asynccontextmanager
async def on_stdio(colony, log=None):
    server = StdioServerParameters(
        command=sys.executable, args=[MANAGE, "hive", "mcp"], env=colony.beside, cwd="/"
    )
    async with Client(stdio_client(server, errlog=log or sys.stderr)) as client:
        yield client


@asynccontextmanager
async def over_http(front, key):
    headers = {"Authorization": f"Bearer {key}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=60) as http,
        Client(streamable_http_client(front.url, http_client=http)) as client,
    ):
        yield client


@pytest.fixture(params=["stdio", "http"])
def session(request, colony, front):
    """Runs a coroutine function with a client that is connected."""
    key = colony.stack.ready["api_key"]

    def run(talk, *args):
        async def main():
            client = on_stdio(colony) if request.param == "stdio" else over_http(front, key)
            async with client as client:
                return await talk(client, *args)

        return asyncio.run(main())

    return run


async def call(client, tool, **arguments):
    """What a tool answers, as a document; fails if it says that it failed."""
    answer = await client.call_tool(tool, arguments)
    assert not answer.is_error, answer.content
    return answer.structured_content


async def refusal(client, tool, **arguments):
    """What a tool says that is wrong."""
    answer = await client.call_tool(tool, arguments)
    assert answer.is_error
    return answer.content[0].text


def test_an_agent_finds_the_tools_and_what_they_take(session):
    async def talk(client):
        return (await client.list_tools()).tools

    tools = {tool.name: tool for tool in session(talk)}

    assert tools.keys() == TOOLS
    assert all(tool.description and tool.output_schema for tool in tools.values())
    takes = tools["map_reduce"].input_schema
    assert takes["required"] == ["task", "items"]
    assert takes["properties"]["wait_timeout"]["maximum"] == 300
    assert takes["properties"]["priority"]["maximum"] == 10


def test_an_agent_maps_and_reduces(session):
    told = []

    async def talk(client):
        async def note(done, total, message):
            told.append((done, total))

        arguments = {
            "task": "text.word_count",
            "items": ["bee hive", "bee"],
            "reduce": "text.merge_counts",
        }
        answer = await client.call_tool("map_reduce", arguments, progress_callback=note)
        return answer

    answer = session(talk)

    found = answer.structured_content
    assert (found["state"], found["reduced"]) == ("succeeded", {"bee": 2, "hive": 1})
    assert found["summary"] == {
        **{"total": 2, "completed": 2, "failed": 0, "pending": 0},
        "success_rate": 1.0,
    }
    assert [row["result"] for row in found["results"]] == [{"bee": 1, "hive": 1}, {"bee": 1}]
    assert json.loads(answer.content[0].text)["reduced"] == found["reduced"]
    assert told[-1] == (2, 2)


def test_an_agent_runs_different_tasks_side_by_side(session):
    calls = [
        {"task": "demo.echo", "item": 1},
        {"task": "text.word_count", "item": "bee"},
        {"task": "demo.echo", "item": [2]},
        {"task": "odd.give_up"},
    ]

    found = session(lambda client: call(client, "parallel_execute", calls=calls))

    rows = found["results"]
    assert [row["index"] for row in rows] == [0, 1, 2, 3]
    assert [row["result"] for row in rows] == [1, {"bee": 1}, [2], None]
    assert rows[3]["error"]["message"] == "it is of no use"
    assert (found["summary"]["completed"], found["summary"]["failed"]) == (3, 1)
    assert len(found["job_ids"]) == 3


def test_what_takes_longer_is_followed_and_cancelled(session, marks):
    async def talk(client):
        items = [str(marks.place)] * 2
        begun = await call(client, "map_reduce", task="odd.hold", items=items, wait_timeout=0.2)
        job = begun["job_id"]
        seen = await call(client, "get_task_status", job_id=job)
        stopped = await call(client, "cancel_job", job_id=job)
        ended = await call(client, "get_task_status", job_id=job, wait_timeout=30)
        again = await refusal(client, "cancel_job", job_id=job)
        return begun, seen, stopped, ended, again

    begun, seen, stopped, ended, again = session(talk)

    assert begun["summary"]["pending"] == 2
    assert "not done yet: get_task_status" in begun["hint"]
    assert seen["state"] in {"queued", "running"}
    assert stopped["state"] in {"cancelling", "cancelled"}
    assert ended["state"] == "cancelled"
    assert "409" in again


def test_long_answers_come_in_pages(session):
    async def talk(client):
        found = await call(client, "map_reduce", task="demo.payload", items=[7_000] * 12)
        rows, cursor = list(found["results"]), found["next_cursor"]
        sizes = [len(json.dumps(found))]
        while cursor:
            assert cursor in found["hint"]
            job = found["job_id"]
            found = await call(client, "job_results", job_id=job, cursor=cursor, limit=100)
            rows, cursor = rows + found["results"], found["next_cursor"]
            sizes.append(len(json.dumps(found)))
        return rows, sizes

    rows, sizes = session(talk)

    assert [row["index"] for row in rows] == list(range(12))
    assert {len(row["result"]) for row in rows} == {7_000}
    assert len(sizes) > 2
    assert max(sizes) < 60_000


def test_a_long_result_is_cut_and_says_so(session):
    found = session(lambda c: call(c, "map_reduce", task="demo.payload", items=[900_000]))

    [row] = found["results"]
    assert row["truncated"]
    assert len(row["result"]) < 10_000
    assert "has them whole" in found["hint"]


def test_an_agent_sees_tasks_and_cluster(session):
    async def talk(client):
        tasks = await call(client, "list_tasks", search="PRIME")
        return tasks, await call(client, "cluster_status")

    tasks, cluster = session(talk)

    assert [task["name"] for task in tasks["tasks"]] == ["math.count_primes"]
    assert (cluster["nodes_online"], cluster["foreman"]["state"]) == (3, "leading")
    assert [node["name"] for node in cluster["nodes"]] == ["spore-1", "spore-2", "spore-3"]


ECHO = {"task": "demo.echo", "items": [1]}
#: Tool, arguments, and what the refusal says.
WRONG = [
    ("map_reduce", {"task": "no.such", "items": [1]}, "/task: no task is named 'no.such'"),
    ("map_reduce", {"task": "demo.echo"}, "items"),
    ("map_reduce", {**ECHO, "priority": 11}, "priority"),
    ("map_reduce", {**ECHO, "wait_timeout": 301}, "wait_timeout"),
    ("map_reduce", {**ECHO, "prio": 1}, "prio: no argument of map_reduce; it takes task, items"),
    ("map_reduce", {**ECHO, "queue": "x"}, "/queue: 'x' is no"),
    ("map_reduce", {**ECHO, "options": {"queue": "x"}}, "options.queue: give it as queue"),
    ("map_reduce", {**ECHO, "options": {"timeout": -1}}, "/timeout: -1"),
    ("map_reduce", {**ECHO, "options": {"self": 2}}, "/self"),
    ("map_reduce", {**ECHO, "options": {"verb": 2}}, "/verb"),
    ("parallel_execute", {"calls": []}, "calls"),
    ("parallel_execute", {"calls": [{"task": "demo.echo", "x": 1}]}, "calls.0.x"),
    ("get_task_status", {"job_id": "job_0"}, "404: no job has the id 'job_0'"),
    ("get_task_status", {"job_id": "../nodes"}, "job_id"),
    ("job_results", {"job_id": "job_0", "limit": 0}, "limit"),
    ("cancel_job", {}, "job_id"),
]


@pytest.fixture(scope="module")
def refusals(colony, front):
    """What the tools say to each wrong call, and how many jobs there were before and after."""
    count = lambda: len(colony.hive.request("GET", "jobs/?limit=1000")["results"])  # noqa: E731

    async def main():
        async with over_http(front, colony.stack.ready["api_key"]) as client:
            return [await refusal(client, tool, **arguments) for tool, arguments, _ in WRONG]

    before = count()
    return asyncio.run(main()), (before, count())


@pytest.mark.parametrize("place", range(len(WRONG)), ids=[said for _, _, said in WRONG])
def test_what_is_wrong_is_told_with_its_name_and_nothing_is_stored(refusals, place):
    said, (before, after) = refusals

    assert WRONG[place][2] in said[place]
    assert before == after


def test_one_call_that_is_refused_stops_the_others(colony, hive, marks):
    calls = [{"task": "odd.hold", "item": str(marks.place)}, {"task": "no.such"}]

    async def main():
        async with on_stdio(colony) as client:
            return await refusal(client, "parallel_execute", calls=calls)

    assert "no.such" in asyncio.run(main())
    [job] = hive.request("GET", "jobs/?task=odd.hold&limit=1")["results"]
    assert hive.wait(job["id"], PATIENCE)["state"] == "cancelled"


def test_a_call_that_the_agent_gives_up_is_cancelled(colony, hive, marks):
    async def main():
        async with on_stdio(colony) as client, anyio.create_task_group() as group:
            work = {"task": "odd.hold", "items": [str(marks.place)], "wait_timeout": 60}
            group.start_soon(client.call_tool, "map_reduce", work)
            await anyio.to_thread.run_sync(marks.await_count, 1)
            group.cancel_scope.cancel()

    asyncio.run(main())

    [job] = hive.request("GET", "jobs/?task=odd.hold&limit=1")["results"]
    until(lambda: hive.job(job["id"])["state"] == "cancelled", what="the end of the job")


HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_on_stdio_ends_the_running_call_with_its_job_and_then_the_server(
    colony, hive, marks, signum, code
):
    work = {"task": "odd.hold", "items": [str(marks.place)], "wait_timeout": 60}
    call = {"jsonrpc": "2.0", "id": 2, "method": "tools/call"}
    messages = [
        HELLO,
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {**call, "params": {"name": "map_reduce", "arguments": work}},
    ]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    script = [sys.executable, MANAGE, "hive", "mcp"]
    with subprocess.Popen(script, env=colony.beside, cwd="/", text=True, **pipes) as server:
        server.stdin.write("".join(f"{json.dumps(message)}\n" for message in messages))
        server.stdin.flush()
        marks.await_count(1)

        server.send_signal(signum)

        assert server.wait(PATIENCE) == code
        assert server.stderr.read() == ""
    [job] = hive.request("GET", "jobs/?task=odd.hold&limit=1")["results"]
    assert hive.wait(job["id"], PATIENCE)["state"] == "cancelled"


def test_nothing_but_the_protocol_is_on_stdout(colony):
    ran = colony.manage("hive", "mcp", stdin=json.dumps(HELLO) + "\n")

    [line] = ran.stdout.splitlines()
    assert json.loads(line)["result"]["serverInfo"]["name"] == "the-hive"
    assert (ran.returncode, ran.stderr) == (0, "")


def post(front, **headers):
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    given = {"Accept": "application/json, text/event-stream", **headers}
    return urllib3.request("POST", front.url, json=body, headers=given, retries=False).status


@pytest.mark.parametrize("key", [None, "Bearer ", "Bearer hive_wrong", "Basic x"])
def test_over_http_nobody_gets_in_without_a_key(front, key):
    assert post(front, **({"Authorization": key} if key else {})) == 401


def test_over_http_a_page_of_somebody_elses_gets_nothing(colony, front):
    key = {"Authorization": f"Bearer {colony.stack.ready['api_key']}"}

    assert post(front, **key, Host="evil.example") == 421
    assert post(front, **key, Origin="http://evil.example") == 403


def test_over_http_each_key_may_do_what_its_scopes_say(colony, front):
    reader = colony.manage("hive", "key", "reader", "--scopes", "read").stdout.strip()

    async def main():
        async with over_http(front, reader) as client:
            seen = await call(client, "cluster_status")
            return seen, await refusal(client, "map_reduce", task="demo.echo", items=[1])

    seen, refused = asyncio.run(main())

    assert seen["nodes_online"] == 3
    assert "403" in refused


def test_a_tool_that_waits_needs_a_key_that_may_read_and_submits_nothing_without(
    colony, hive, front
):
    submitter = colony.manage("hive", "key", "submitter", "--scopes", "submit").stdout.strip()
    newest = lambda: hive.request("GET", "jobs/?limit=1")["results"]  # noqa: E731

    async def main():
        async with over_http(front, submitter) as client:
            mapped = await refusal(client, "map_reduce", task="demo.echo", items=[1])
            calls = [{"task": "demo.echo"}]
            return mapped, await refusal(client, "parallel_execute", calls=calls)

    before = newest()
    said = asyncio.run(main())

    assert all("take a key with the scopes submit and read" in text for text in said)
    assert newest() == before


@pytest.mark.parametrize(
    ("argv", "env", "said"),
    [
        (["--http", "8001"], {}, "give HOST:PORT"),
        (["--http", "127.0.0.1:99999"], {}, "give HOST:PORT"),
        ([], {"HIVE_DATA_DIR": "{tmp}"}, "there is no API key in"),
    ],
)
def test_wrong_use_is_told_in_a_line(colony, tmp_path, argv, env, said):
    env = {name: value.format(tmp=tmp_path) for name, value in env.items()}

    ran = colony.manage("hive", "mcp", *argv, **env)

    assert (ran.returncode, ran.stdout) == (2, "")
    assert said in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


def test_a_port_that_is_taken_is_told(colony, front):
    ran = colony.manage("hive", "mcp", "--http", front.url.split("/")[2])

    assert ran.returncode == 2
    assert "cannot listen there" in ran.stderr


def test_a_machine_without_the_data_directory_needs_address_and_key(colony, tmp_path):
    ready = colony.stack.ready
    env = clean_environment(HIVE_DATA_DIR=str(tmp_path), HIVE_API_KEY=ready["api_key"])
    server = StdioServerParameters(
        command=sys.executable,
        args=[MANAGE, "hive", "mcp", "--url", ready["nexus"]],
        env=env,
        cwd="/",
    )

    async def main():
        async with Client(server) as client:
            return await call(client, "cluster_status")

    assert asyncio.run(main())["nodes_online"] == 3


def test_a_signal_ends_it_in_order(colony, tmp_path):
    front = Front(colony, tmp_path)

    assert front.stop() == 0
    with contextlib.suppress(urllib3.exceptions.HTTPError):
        pytest.fail(str(urllib3.request("GET", front.url, retries=False).status))
    assert "Traceback" not in front.log.read_text()
