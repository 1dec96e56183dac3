"""`hive doctor`: what is wrong here, and how to mend it."""

import argparse
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hive_site.commands.answers import answer
from hive_site.commands.up import find_nexus
from nodes.spore.identity import AGENT_VERSION

if TYPE_CHECKING:
    from hive_site.commands.checkups.finding import Finding
    from hive_site.configuration import Options

HELP = "look for what is wrong and say how to mend it"
SIGNS = {"ok": "[green]✓[/]", "warn": "[yellow]![/]", "bad": "[red]✗[/]"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Whose eyes to look with, and the form of the answer."""
    parser.add_argument("--home", metavar="DIR", help="look as the Spore that joined with DIR does")
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
    """Look at everything that this machine has, in the order in which one would mend it."""
    from django.conf import settings

    # A Spore has no database, and no settings of a site.
    return [*(examine_nexus() if settings.DATABASES else examine_spore())]


def examine_nexus() -> "Iterator[Finding]":
    """A machine with a Nexus, a Foreman, or `hive up`."""
    from django.conf import settings

    from hive_site.commands.checkups.backups import check_backups
    from hive_site.commands.checkups.deployment import check_deployment
    from hive_site.commands.checkups.machine import check_machine
    from hive_site.commands.checkups.nexus import check_nexus
    from hive_site.commands.checkups.redis import check_redis
    from hive_site.commands.checkups.units import check_units

    hive, url = settings.HIVE, find_nexus(settings.HIVE)
    site = {"hosts": settings.ALLOWED_HOSTS, "https": settings.SESSION_COOKIE_SECURE}
    yield from check_machine(data=hive.data)
    yield from check_units()
    yield from check_deployment(url, debug=settings.DEBUG, **site)
    yield from check_nexus(url, needed=False, ca_file=hive.ca_file)
    yield from check_redis(hive.redis_url, own=is_own_redis(hive))
    yield from check_backups(hive.data, now=datetime.now(UTC))
    yield from examine_database()


def examine_database() -> "Iterator[Finding]":
    """The database, and what it knows of nodes."""
    from django.conf import settings

    from hive_site.commands.checkups.database import check_database
    from hive_site.commands.checkups.fleet import check_fleet

    database = list(check_database())
    yield from database
    if all(finding.verdict != "bad" for finding in database):
        yield from check_fleet(agent=AGENT_VERSION, own=settings.HIVE_RELEASE)


def examine_spore() -> "Iterator[Finding]":
    """A machine with a Spore and nothing else."""
    from django.conf import settings

    from hive_site.commands.checkups.machine import check_machine
    from hive_site.commands.checkups.nexus import check_nexus
    from hive_site.commands.checkups.redis import check_redis
    from hive_site.commands.checkups.units import check_units

    hive = settings.HIVE
    yield from check_machine(data=hive.data)
    yield from check_units()
    yield from check_nexus(hive.nexus_url, needed=True, ca_file=hive.ca_file)
    yield from check_redis(hive.redis_url, own=False, node=True)


def is_own_redis(hive: "Options") -> bool:
    """Whether Redis is the one that `hive up` started on this directory."""
    from hive_site.stack.redis_server import REDIS_ADDRESS_FILE

    path = hive.data / REDIS_ADDRESS_FILE
    return path.exists() and path.read_text().strip() == hive.redis_url


def show(findings: "list[Finding]") -> None:
    """The findings for people, each with its remedy below."""
    from rich.console import Console
    from rich.markup import escape

    console = Console(highlight=False, soft_wrap=True)
    for finding in findings:
        console.print(f"{SIGNS[finding.verdict]} {finding.name:<20}{escape(finding.found)}")
        if finding.mend:
            console.print(f"    → {escape(finding.mend)}")
