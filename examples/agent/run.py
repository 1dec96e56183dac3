"""An agent that uses the Hive over MCP: it looks for a tool, submits, waits, and reads.

A script stands where a language model would decide; everything that it does goes through the tools.
"""

import argparse
import asyncio
import os
import sys
from itertools import combinations
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT))

from mcp import Client, StdioServerParameters

from examples.connection import find_hive, run
from jobs.client import Hive


def main(hive: Hive, options: argparse.Namespace) -> int:
    """Start `hive mcp` on its own, and talk to it on its standard input and output."""
    url, key = find_hive(options.nexus)
    server = StdioServerParameters(
        command=sys.executable,
        args=[str(PROJECT / "manage.py"), "hive", "mcp"],
        env={**os.environ, "HIVE_NEXUS_URL": url, "HIVE_API_KEY": key},
    )
    return asyncio.run(think(server, options.cities))


class Refused(Exception):
    """A tool said no, in its own words."""


async def think(server: StdioServerParameters, cities: list[str]) -> int:
    """Talk to the server, to the end or to its first refusal."""
    async with Client(server) as client:
        try:
            return await find_closest(client, cities)
        except Refused as fact:
            print(fact, file=sys.stderr)
            return 1


async def find_closest(client: Client, cities: list[str]) -> int:
    """Which two of the cities lie closest together?"""
    tools = await client.list_tools()
    print(f"tools: {', '.join(sorted(tool.name for tool in tools.tools))}")
    task = await find_task(client, "agent.distance", search="distance")
    print(f"found {task['name']}: {task['summary']}")
    pairs = [list(pair) for pair in combinations(cities, 2)]
    job = await ask(client, "map_reduce", task=task["name"], items=pairs, wait_timeout=0)
    print(f"submitted {job['job_id']}")
    status = await ask(client, "get_task_status", job_id=job["job_id"], wait_timeout=60)
    print(f"it is {status['state']}")
    read = await ask(client, "job_results", job_id=job["job_id"])
    for row in read["results"]:
        if row["error"]:
            print(f"  {row['error']['message']}")
    rows = [row["result"] for row in read["results"] if row["state"] == "succeeded"]
    if not rows:
        return 1
    closest = min(rows, key=lambda row: row["km"])
    print(f"{' and '.join(closest['between'])} are closest: {closest['km']:,} km")
    return 0


async def find_task(client: Client, name: str, *, search: str) -> dict[str, Any]:
    """The task of that name among those that a search finds."""
    found = await ask(client, "list_tasks", search=search)
    for task in found["tasks"]:
        if task["name"] == name:
            return dict(task)
    raise Refused(f"this Hive has no {name}: start it with HIVE_TASK_MODULES=examples.agent.tasks")


async def ask(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """What a tool answers. Raises `Refused`."""
    answer = await client.call_tool(tool, arguments)
    if answer.is_error:
        raise Refused(" ".join(part.text for part in answer.content if part.type == "text"))
    content: dict[str, Any] = answer.structured_content
    return content


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    usual = ["Berlin", "Cairo", "Nairobi", "Osaka", "Paris"]
    parser.add_argument("cities", nargs="*", default=usual, metavar="CITY")
    run(parser, main)
