"""`hive healthy`: whether the part of the Hive that runs in this container lives.

For health checks and probes, which ask every few seconds: `manage.py` comes here without Django.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, NoReturn

from hive_site.commands.answers import answer
from hive_site.commands.data_dir import add_data_dir
from hive_site.kernel.errors import Invalid
from hive_site.kernel.pulse import Sign, read_sign

HELP = "for health checks: whether the Nexus, Foreman or Spore beside it lives"
PARTS = ("nexus", "foreman", "spore")
#: A step of the Foreman may take as long, it has patience with Redis and the database; and the
#: last words of a Spore that lets running tasks end.
STALE_SECONDS = 60.0
ASK_SECONDS = 3.0
UNHEALTHY, MISUSED = 1, 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Of what, and how strictly."""
    parser.add_argument("part", choices=PARTS, help="what runs here")
    parser.add_argument(
        "--ready", action="store_true", help="fail, too, while it cannot work (Redis is away …)"
    )
    parser.add_argument("--port", type=int, default=8000, help="of the Nexus (default 8000)")
    parser.add_argument("--json", action="store_true", help="print JSON")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(MISUSED, f"{self.prog}: {message}; {self.prog} --help shows what there is\n")


def main(argv: Sequence[str]) -> int:
    """The command without Django; its exit code."""
    from django.core.exceptions import ImproperlyConfigured  # a module of its own, and small

    parser = _Parser(prog="manage.py hive healthy", description=HELP)
    add_arguments(parser)
    add_data_dir(parser, "healthy")
    try:
        return run(vars(parser.parse_args(argv)))
    except (Invalid, ImproperlyConfigured) as error:
        sys.stderr.write(f"hive healthy: {error}\n")
        return MISUSED


def run(options: dict[str, Any]) -> int:
    """Print what it is about; exit 1 if it does not live."""
    part, strict = options["part"], options["ready"]
    if part == "nexus":
        healthy, told = ask(port=options["port"], strict=strict)
    else:
        healthy, told = judge(look(), time.monotonic(), strict=strict)
    if options["json"]:
        answer({"part": part, "healthy": healthy, "told": told})
    else:
        stream = sys.stdout if healthy else sys.stderr
        stream.write(f"the {part.capitalize()} {told}\n")
    return 0 if healthy else UNHEALTHY


def look() -> Sign | None:
    """The newest sign of the process here. Raises `Invalid` if nobody said where it leaves them."""
    from hive_site.configuration import read_pulse_path
    from hive_site.kernel.env import Env

    path = read_pulse_path(Env())
    if path is None:
        rule = "set it, for the process and for this command, to a file that only they use"
        raise Invalid(f"HIVE_PULSE names no file; {rule}", field="HIVE_PULSE")
    return read_sign(path)


def judge(sign: Sign | None, now: float, *, strict: bool) -> tuple[bool, str]:
    """Whether a process with this sign is healthy at a moment of the steady clock, and why."""
    # Later than now: the machine was started anew since.
    if sign is None or sign.at > now:
        return False, "has given no sign of life yet"
    age = now - sign.at
    if age > STALE_SECONDS:
        return False, f"has given no sign of life for {age:.0f} s; it {sign.state} then"
    return sign.works or not strict, f"{sign.state} ({age:.1f} s ago)"


def ask(*, port: int, strict: bool) -> tuple[bool, str]:
    """Whether the Nexus on this machine answers; if `strict`, whether it can serve."""
    from http.client import HTTPConnection, HTTPException

    page = "/readyz" if strict else "/livez"
    connection = HTTPConnection("127.0.0.1", port, timeout=ASK_SECONDS)
    try:
        connection.request("GET", page)
        status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        return False, f"does not answer on port {port}: {error}"
    finally:
        connection.close()
    return status == HTTPStatus.OK, f"answers {page} with {status}"
