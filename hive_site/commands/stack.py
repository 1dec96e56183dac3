"""`hive stack`: the whole Hive as containers, by docker-compose.yml."""

import argparse
import json
import re
import sys
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from hive_site.commands.answers import answer
from hive_site.kernel.errors import HiveError, Invalid

if TYPE_CHECKING:
    from hive_site.containers.compose import Compose
    from hive_site.containers.services import Container

HELP = "the whole Hive as containers: up, status, down"
#: What there may be any number of; a Nexus has the port of the machine.
SCALED, MOST = ("spore", "foreman"), 1000
LOOK_EVERY_SECONDS = 2.0
PUBLISHED = "8000"
#: Where docker-compose.yml says that people reach it, if nobody says otherwise.
USUAL = "http://localhost:8000"
COLOURS = {"healthy": "green", "running": "green", "unhealthy": "red", "exited": "red"}
LOST_WITH_VOLUMES = "the database with all jobs, what Redis holds, packages and large values"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One parser for each verb."""
    verbs = parser.add_subparsers(dest="what", required=True, metavar="up|status|down")
    up = verbs.add_parser("up", help="make the secrets, build, start, wait until all is well")
    up.add_argument(
        "--scale",
        action="append",
        type=read_scale,
        default=[],
        metavar="spore=N",
        help="how many of a service (default: 2 Spores, 2 Foremen)",
    )
    up.add_argument("--no-build", action="store_true", help="take the image that is there")
    up.add_argument("--wait", type=int, default=300, metavar="SECONDS", help="at most (300)")
    status = verbs.add_parser("status", help="what runs; exit 1 unless all is well")
    down = verbs.add_parser("down", help="stop everything; data stays, unless --volumes")
    down.add_argument("--volumes", action="store_true", help=f"delete {LOST_WITH_VOLUMES}")
    down.add_argument("--yes", action="store_true", help="do not ask before deleting")
    for verb in (up, status, down):
        verb.add_argument("--json", action="store_true", help="print JSON")


def read_scale(text: str) -> str:
    """`SERVICE=N`, checked, for argparse."""
    found = re.fullmatch(r"(\w+)=(\d{1,4})", text)
    if not found or found[1] not in SCALED or int(found[2]) > MOST:
        allowed = " or ".join(f"{name}=N" for name in SCALED)
        raise argparse.ArgumentTypeError(f"{text!r}: give {allowed}, N from 0 to {MOST}")
    return text


def run(options: dict[str, Any]) -> int:
    """Do what was asked for."""
    from hive_site.containers.compose import find_compose

    verbs = {"up": start, "status": show, "down": stop}
    if options["what"] == "down":
        require_consent(options)
    return verbs[options["what"]](find_compose(), options)


def start(compose: "Compose", options: dict[str, Any]) -> int:
    """Start everything, wait until it is well, and tell how to get in."""
    from hive_site.containers.compose import make_secrets

    words = ["up", "--detach", *([] if options["no_build"] else ["--build"])]
    if make_secrets():
        tell("made secrets in deploy/secrets; keep a copy where nobody else can read it")
        words.append("--force-recreate")  # containers go on with what they were started with
    words += ["--wait", "--wait-timeout", str(options["wait"])] if compose.waits else []
    words += [word for scale in options["scale"] for word in ("--scale", scale)]
    if compose.tell(*words):
        way = f"`hive stack status` and `{compose.name} logs` tell which and why"
        raise HiveError(f"{compose.name} up: something did not start; {way}")
    containers = await_all(compose, seconds=options["wait"])
    link = find_login_link(compose)
    if options["json"]:
        answer({"login_url": link, "containers": [asdict(each) for each in containers]})
    else:
        welcome(compose, link, containers)
    return 0


def await_all(compose: "Compose", *, seconds: float) -> "list[Container]":
    """The containers once all are well. Raises `HiveError` after so many seconds."""
    from hive_site.containers.services import are_well

    give_up_at = time.monotonic() + seconds
    while not are_well(containers := look(compose)):
        if time.monotonic() > give_up_at:
            ill = ", ".join(each.name for each in containers if not each.is_well) or "nothing runs"
            raise HiveError(f"not well after {seconds:g} s: {ill}; `{compose.name} logs` says why")
        time.sleep(LOOK_EVERY_SECONDS)
    return containers


def look(compose: "Compose") -> "list[Container]":
    """The containers of the stack, those that ended as well. Raises `HiveError`."""
    from hive_site.containers.compose import last_line
    from hive_site.containers.services import read_containers

    # podman-compose lists those that ended unasked, and knows no --all.
    every = [] if compose.name.startswith("podman") else ["--all"]
    asked = compose.ask("ps", *every, "--format", "json")
    try:
        if asked.returncode:
            raise ValueError(last_line(asked))
        return read_containers(asked.stdout)
    except (ValueError, AttributeError, TypeError) as error:
        raise HiveError(f"{compose.name} ps: {error}; is it too old? Try a newer one") from error


def find_login_link(compose: "Compose") -> str:
    """A link that logs its reader in once, by the address at which this machine has the site."""
    from hive_site.containers.compose import last_line

    manage = ("exec", "-T", "nexus", "python", "manage.py", "hive", "login-link", "--json")
    asked = compose.ask(*manage)
    try:
        link = str(json.loads(asked.stdout)["login_url"])
    except (ValueError, KeyError, TypeError) as error:
        raise HiveError(
            f"everything runs, but it gave no login link: {last_line(asked)}"
        ) from error
    port = compose.ask("port", "nexus", PUBLISHED).stdout.strip().rpartition(":")[2]
    if port.isdecimal() and link.startswith(f"{USUAL}/"):
        return link.replace(USUAL, f"http://localhost:{port}", 1)
    return link


def show(compose: "Compose", options: dict[str, Any]) -> int:
    """A table of what runs; exit 1 unless all of it is well."""
    from hive_site.containers.services import are_well

    containers = look(compose)
    well = are_well(containers)
    if options["json"]:
        answer({"well": well, "containers": [asdict(each) for each in containers]})
    elif containers:
        print_table(containers)
    else:
        sys.stdout.write("Nothing runs. `hive stack up` starts it.\n")
    return 0 if well else 1


def require_consent(options: dict[str, Any]) -> None:
    """Nothing unless data would be deleted and nobody says yes. Raises `Invalid`."""
    if not options["volumes"] or options["yes"]:
        return
    if not sys.stdin.isatty():
        raise Invalid(f"--volumes deletes {LOST_WITH_VOLUMES}; say --yes as well", field="yes")
    sys.stderr.write(f"This deletes {LOST_WITH_VOLUMES}. Type yes to go on: ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() != "yes":
        raise HiveError("nothing was stopped or deleted")


def stop(compose: "Compose", options: dict[str, Any]) -> int:
    """Stop everything, work in order; with `--volumes`, forget everything."""
    words = ["down", "--remove-orphans", *(["--volumes"] if options["volumes"] else [])]
    if compose.tell(*words):
        raise HiveError(f"{compose.name} down failed; `hive stack status` shows what is left")
    if options["json"]:
        answer({"stopped": True, "volumes_deleted": options["volumes"]})
    else:
        kept = "its data is gone" if options["volumes"] else "its data stays in the volumes"
        tell(f"stopped; {kept}")
    return 0


def tell(line: str) -> None:
    """A line for whoever watches."""
    sys.stderr.write(f"· {line}\n")


def welcome(compose: "Compose", link: str, containers: "list[Container]") -> None:
    """How to use what just started."""
    from rich.console import Console
    from rich.text import Text

    inside = f"{compose.name} exec -T nexus python manage.py hive"
    spores = sum(each.service == "spore" for each in containers)
    rows = {
        "Log in": f"{link} (once, within an hour)",
        "Spores": f"{spores}; more of them: hive stack up --scale spore={spores + 3}",
        "API key": f"{inside} key NAME",
        "Status": f"hive stack status, or {inside} status",
        "Try": f"echo '[\"to bee or not to bee\"]' | "
        f"{inside} submit text.word_count --items - --wait 30",
    }
    console = Console(highlight=False)
    console.print("\n[bold green]The Hive is up.[/] hive stack down stops it.\n")
    for name, value in rows.items():
        # Unbroken, so that a narrow terminal does not cut a link or a command in two.
        console.print(Text.assemble((f"{name:<9}", "bold"), value), soft_wrap=True)
    console.print()


def print_table(containers: "list[Container]") -> None:
    """The containers for people."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table("service", "container", "state")
    for each in containers:
        state = each.health or each.state
        colour = "green" if each.is_well else COLOURS.get(state, "yellow")
        ended = f" with {each.exit_code}" if each.state == "exited" else ""
        table.add_row(each.service, escape(each.name), f"[{colour}]{state}{ended}[/]")
    Console(highlight=False).print(table)
