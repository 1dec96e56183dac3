"""`hive submit`: a job from the command line."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from hive_site.commands.answers import answer
from hive_site.commands.calling import manage_py
from hive_site.kernel.arguments import seconds
from hive_site.kernel.errors import Invalid

HELP = "submit a job, and wait for it if you like"
GOOD = "succeeded"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of CONTRACT §2."""
    parser.add_argument("task", metavar="TASK", help="like text.word_count")
    parser.add_argument("--items", metavar="FILE.json|-", help="a JSON list; - reads stdin")
    parser.add_argument(
        "--arg",
        action="append",
        default=[],
        metavar="K=V",
        help="keyword for the task; JSON, or else text",
    )
    parser.add_argument("--reduce", metavar="TASK", help="task that gets the list of results")
    parser.add_argument("--queue", metavar="Q", help="high_priority or background (default)")
    parser.add_argument("--priority", type=int, default=5, metavar="0-10", help="10 goes first")
    parser.add_argument(
        "--wait", type=seconds, default=0, metavar="SECONDS", help="wait for its end"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: dict[str, Any]) -> int:
    """Submit; 1 if it was waited for and did not succeed in time."""
    from rich.console import Console

    from hive_site.commands.watching import wait_for_job
    from jobs import selectors, services

    wish: dict[str, Any] = {
        "task": options["task"],
        "kwargs": dict(read_pair(pair) for pair in options["arg"]),
        "reduce": options["reduce"],
        "priority": options["priority"],
    }
    if options["queue"]:
        wish["queue"] = options["queue"]
    if options["items"] is not None:
        wish["items"] = read_items(options["items"])
    try:
        job = services.submit_job(may_pickle=True, **wish)
    except Invalid as error:
        raise Invalid(f"{error.field}: {error}", field=error.field) from error
    if options["wait"]:
        wait_for_job(job.pk, seconds=options["wait"], console=Console(stderr=True))
    view = selectors.job_view(job.pk)
    if options["wait"]:
        view["results"] = list(selectors.result_views(job.pk))
    show(view, options)
    return 1 if options["wait"] and view["state"] != GOOD else 0


def read_items(source: str) -> Any:
    """The JSON in a file, or on stdin for `-`. Raises `Invalid` if it is none."""
    return read_json(source, name=f"--items {source}")


def read_json(source: str, *, name: str) -> Any:
    """The JSON in a file, or on stdin for `-`. Raises `Invalid` with `name` if it is none."""
    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text()
        return json.loads(text)
    except OSError as error:
        raise Invalid(f"{name}: {error.strerror}", field="items") from error
    except (ValueError, RecursionError) as error:
        raise Invalid(f"{name}: not JSON: {error}", field="items") from error


def read_pair(pair: str, *, flag: str = "--arg") -> tuple[str, Any]:
    """`k=v`; the value as JSON if it is some, else as text."""
    name, equals, value = pair.partition("=")
    if not equals or not name.isidentifier():
        raise Invalid(f"{flag} {pair!r}: give name=value", field=flag.lstrip("-"))
    try:
        return name, json.loads(value)
    except (ValueError, RecursionError):
        return name, value


def show(view: dict[str, Any], options: dict[str, Any]) -> None:
    """The job for programs, or a few lines for people."""
    if options["json"]:
        answer(view)
        return
    progress = view["progress"]
    done = f"{progress['succeeded']} of {progress['total']} subtasks succeeded"
    print(f"{view['id']}  {view['state']}  {done}")
    if view["error"]:
        print(f"{view['error']['type']}: {view['error']['message']}", file=sys.stderr)
    rows = view.get("results", [])
    if view["result"] is not None:
        print(json.dumps(view["result"], ensure_ascii=False, indent=2))
    else:
        for row in rows:
            print(json.dumps(row["result"] if row["error"] is None else row["error"]["message"]))
    if not options["wait"]:
        print(f"follow it: {manage_py()} hive status, or GET /api/v1/jobs/{view['id']}/")
