"""What `hive cancel` and `hive retry` have in common: flags that say which jobs."""

import argparse
from typing import Any

from hive_site.commands.answers import answer
from hive_site.kernel.arguments import seconds
from hive_site.kernel.errors import Invalid

PLAIN = ("state", "task", "queue", "workflow")


def add_filters(parser: argparse.ArgumentParser) -> None:
    """One flag for each part of a filter; all that are given must hold."""
    parser.add_argument("--state", metavar="S[,S…]", help="failed, cancelled, queued …")
    parser.add_argument("--task", metavar="TASK")
    parser.add_argument("--queue", metavar="Q")
    parser.add_argument("--workflow", metavar="wf_…")
    parser.add_argument("--label", action="append", default=[], metavar="K=V")
    parser.add_argument(
        "--older-than", type=seconds, metavar="SECONDS", help="submitted so long ago"
    )
    parser.add_argument("--dry-run", action="store_true", help="only say which")
    parser.add_argument("--json", action="store_true", help="print JSON")


def read_filter(options: dict[str, Any]) -> dict[str, Any]:
    """The filter that the flags describe."""
    wanted = {name: options[name] for name in PLAIN if options[name] is not None}
    if options["older_than"] is not None:
        wanted["older_than"] = options["older_than"]
    if options["label"]:
        wanted["labels"] = {}
        for pair in options["label"]:
            name, equals, text = pair.partition("=")
            if not equals:
                raise Invalid(f"--label {pair!r}: give name=text", field="label")
            wanted["labels"][name] = text
    return wanted


def sweep(verb: Any, options: dict[str, Any], *, done: str) -> int:
    """Do it, and say to how many jobs it was done."""
    from dataclasses import asdict

    try:
        found = verb(filter=read_filter(options), dry_run=options["dry_run"])
    except Invalid as error:
        raise Invalid(f"{error.field}: {error}", field=error.field) from error
    if options["json"]:
        answer(asdict(found))
        return 0
    for job in found.jobs:
        print(job)
    print(f"{found.matched} jobs match, {found.done} are {done}")
    return 0
