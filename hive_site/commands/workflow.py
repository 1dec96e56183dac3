"""`hive workflow`: jobs that wait for each other, from a file."""

import argparse
import sys
from typing import Any

from hive_site.commands.answers import answer
from hive_site.commands.submit import GOOD, read_json
from hive_site.kernel.arguments import seconds
from hive_site.kernel.errors import Invalid

HELP = "submit jobs that wait for each other, all or none"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the jobs are, and whether to wait."""
    parser.add_argument(
        "file", metavar="FILE.json|-", help='{"jobs": {name: {"task": …, "after": [names]}}}'
    )
    parser.add_argument("--wait", type=seconds, default=0, metavar="SECONDS", help="for their end")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: dict[str, Any]) -> int:
    """Submit; 1 if it was waited for and did not succeed in time."""
    import json

    from jobs import selectors, services, waiting

    body = read_json(options["file"], name=options["file"])
    if not isinstance(body, dict) or set(body) != {"jobs"}:
        raise Invalid(f'{options["file"]}: give {{"jobs": {{name: job}}}}', field="jobs")
    try:
        jobs = services.submit_workflow(body["jobs"])
    except Invalid as error:
        raise Invalid(f"{error.field}: {error}", field=error.field) from error
    if options["wait"]:
        waiting.wait_for_jobs([job.pk for job in jobs], timeout=options["wait"])
    view = json.loads(selectors.workflow_text(selectors.workflow_jobs(jobs[0].workflow)))
    show(view, options)
    return 1 if options["wait"] and view["state"] != GOOD else 0


def show(view: dict[str, Any], options: dict[str, Any]) -> None:
    """The workflow for programs, or a line for each job."""
    if options["json"]:
        answer(view)
        return
    print(f"{view['id']}  {view['state']}")
    for name, job in view["jobs"].items():
        print(f"  {name}  {job['id']}  {job['state']}")
        if job["error"]:
            print(f"  {name}: {job['error']['message']}", file=sys.stderr)
    if not options["wait"]:
        print(f"follow it: GET /api/v1/workflows/{view['id']}/")
