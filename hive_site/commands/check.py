"""`hive check`: does everything hold that must hold?"""

import argparse
import sys
from dataclasses import asdict
from time import sleep
from typing import TYPE_CHECKING, Any

from hive_site.commands.answers import answer

if TYPE_CHECKING:
    from jobs.invariants import Violation

HELP = "check the invariants: exit 0 if all hold, 1 if some do not"
#: What two looks this far apart both show is no work in motion.
LOOK_AGAIN_AFTER_SECONDS = 10.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Form of the answer, and whether to mend."""
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--repair", action="store_true", help="mend what can be mended")


def run(options: dict[str, Any]) -> int:
    """Print the violations; 0 if there are none."""
    from jobs.invariants import Violation, check_database, check_values
    from ota.invariants import check_updates

    running = redis_is_up()
    repaired = mend(running=running) if options["repair"] else []
    violations = check_database() + check_values()
    violations += [Violation(*found) for found in check_updates()]
    if running:
        violations += check_twice(quiet=options["json"])
    if options["json"]:
        rows = [asdict(violation) for violation in violations]
        answer({"ok": not rows, "violations": rows, "repaired": repaired, "redis": running})
    else:
        show(violations, repaired, running=running)
    return 1 if violations else 0


def mend(*, running: bool) -> list[str]:
    """Repair what can be repaired; what that was, a line each."""
    from django.conf import settings

    from hive_site.kernel.redis import connect
    from jobs.invariants import repair

    client = connect(settings.REDIS_URL, name="hive-check", patient=True) if running else None
    return repair(client)


def redis_is_up() -> bool:
    """Whether there is a Redis to look into. The Hive's own one is gone while it is stopped;
    one that was named must answer, or `RedisError` is raised."""
    from django.conf import settings

    from hive_site.kernel.env import Env
    from hive_site.kernel.redis import AWAY, connect

    client = connect(settings.REDIS_URL, name="hive-check")
    try:
        return bool(client.ping())
    except AWAY:
        if Env().text("REDIS_URL") or Env().text("REDIS_HOST"):
            raise
        return False


def check_twice(*, quiet: bool) -> list["Violation"]:
    """What is wrong between database and Redis, at two looks if the first finds anything."""
    from django.conf import settings

    from hive_site.kernel.redis import connect
    from jobs.invariants import check_redis

    client = connect(settings.REDIS_URL, name="hive-check", patient=True)
    first = check_redis(client)
    if not first:
        return []
    if not quiet:
        print(f"work is in motion; looking again in {LOOK_AGAIN_AFTER_SECONDS:.0f} s …")
    sleep(LOOK_AGAIN_AFTER_SECONDS)
    subjects = {(violation.rule, violation.subject) for violation in first}
    return [v for v in check_redis(client) if (v.rule, v.subject) in subjects]


def show(violations: list["Violation"], repaired: list[str], *, running: bool) -> None:
    """For people."""
    for line in repaired:
        print(f"mended: {line}")
    for violation in violations:
        print(f"{violation.rule}  {violation.subject}: {violation.detail}", file=sys.stderr)
    if not running:
        print("the Hive is stopped: Redis was not looked into")
    if violations:
        print(f"{len(violations)} violations; docs/states.md explains the rules", file=sys.stderr)
    else:
        print("all invariants hold")
