"""`hive doctor`: what is wrong here, and how to mend it."""

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from hive_site.commands.answers import answer
from hive_site.commands.up import find_nexus

if TYPE_CHECKING:
    from hive_site.commands.checkups.finding import Finding

HELP = "look for what is wrong and say how to mend it"
SIGNS = {"ok": "[green]✓[/]", "warn": "[yellow]![/]", "bad": "[red]✗[/]"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """No choices but the form of the answer."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: dict[str, Any]) -> int:
    """Print every finding; exit 1 if one is bad."""
    findings = examine()
    healthy = all(finding.verdict != "bad" for finding in findings)
    if options["json"]:
        answer({"healthy": healthy, "findings": [asdict(finding) for finding in findings]})
    else:
        show(findings)
    return 0 if healthy else 1


def examine() -> "list[Finding]":
    """Look at everything, in the order in which one would mend it."""
    from django.conf import settings

    from hive_site.commands.checkups.database import check_database
    from hive_site.commands.checkups.machine import check_machine
    from hive_site.commands.checkups.redis import check_redis

    return [
        *check_machine(data=settings.HIVE.data, nexus_url=find_nexus(settings.HIVE)),
        *check_redis(settings.HIVE.redis_url),
        *check_database(),
    ]


def show(findings: "list[Finding]") -> None:
    """The findings for people, each with its remedy below."""
    from rich.console import Console
    from rich.markup import escape

    console = Console(highlight=False, soft_wrap=True)
    for finding in findings:
        console.print(f"{SIGNS[finding.verdict]} {finding.name:<18}{escape(finding.found)}")
        if finding.mend:
            console.print(f"    → {escape(finding.mend)}")
