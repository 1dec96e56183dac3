"""`hive broadcast`: call something out to nodes, and hear what they answer."""

import argparse
import json
import sys
from typing import Any

from hive_site.commands.answers import answer
from hive_site.commands.submit import read_pair
from hive_site.kernel.arguments import seconds
from hive_site.kernel.errors import Invalid

HELP = "call PING, STATUS, DRAIN, RESUME, UPDATE_SYSTEM or SHUTDOWN out to nodes"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """COMMAND, whom it is for, and how long to listen."""
    parser.add_argument("command", metavar="COMMAND", help="like STATUS", type=str.upper)
    parser.add_argument("--nodes", metavar="A,B", help="their names (default: all)")
    parser.add_argument(
        "--data", action="append", default=[], metavar="K=V", help="for the nodes; JSON, or text"
    )
    parser.add_argument("--wait", type=seconds, default=2, metavar="SECONDS", help="default 2")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: dict[str, Any]) -> int:
    """Call out; 1 unless every node that is there answered that it did it."""
    from nodes.answers import await_answers, broadcast_view
    from nodes.broadcasts import send_broadcast

    names = options["nodes"]
    nodes = None if names is None else [n.strip() for n in names.split(",") if n.strip()]
    data = dict(read_pair(pair, flag="--data") for pair in options["data"])
    try:
        broadcast, _ = send_broadcast(
            command=options["command"], nodes=nodes, data=data, submitted_by="hive broadcast"
        )
    except Invalid as error:
        raise Invalid(f"{error.field}: {error}", field=error.field) from error
    complete = await_answers(broadcast, seconds=options["wait"])
    view = broadcast_view(broadcast)
    if options["json"]:
        answer(view)
    else:
        show(view)
    return 0 if complete and not refusals(view) else 1


def refusals(view: dict[str, Any]) -> list[str]:
    """The nodes that answered that they did not do it."""
    answers = view["acknowledgements"]
    return [name for name, said in answers.items() if said and not said["ok"]]


def show(view: dict[str, Any]) -> None:
    """A line for each node."""
    answers = view["acknowledgements"]
    for name, said in sorted(answers.items()):
        word = "–" if said is None else "ok" if said["ok"] else "refused"
        text = "" if said is None else json.dumps(said["data"], ensure_ascii=False)
        print(f"{name}  {word}  {text}".rstrip())
    silent = sum(said is None for said in answers.values())
    if silent:
        later = f"GET /api/v1/broadcasts/{view['id']}/"
        print(f"{silent} of {len(answers)} have not answered yet; {later}", file=sys.stderr)
