"""`hive up`: the whole Hive on this machine, in the foreground."""

import argparse
import contextlib
import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from hive_site.kernel.errors import Invalid

if TYPE_CHECKING:
    from hive_site.configuration import Options
    from hive_site.stack.nursery import Death
    from hive_site.stack.stack import Stack

HELP = "start Redis, Nexus, Foreman and Spores here, until Ctrl-C"
LOOK_EVERY_SECONDS = 0.25
READY_FILE = "run/ready.json"
#: What nothing works without.
VITAL = {"redis", "nexus"}


def number_between(least: int, most: int) -> Callable[[str], int]:
    """A reader of whole numbers for argparse, which says what is allowed."""

    def read(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            reason = f"{text!r}: give a whole number from {least} to {most}"
            raise argparse.ArgumentTypeError(reason)
        return int(text)

    return read


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of CONTRACT §2."""
    parser.add_argument(
        "--spores", type=number_between(0, 64), default=3, metavar="N", help="how many to start"
    )
    parser.add_argument(
        "--slots",
        type=number_between(1, 256),
        default=1,
        metavar="N",
        help="subtasks that each Spore runs at once (default: %(default)s)",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=number_between(0, 65535), default=8000, help="0: any free")
    parser.add_argument("--ready-file", metavar="PATH", type=Path, help="written once all is up")
    parser.add_argument("--restart", action="store_true", help="start again what dies")


def run(options: dict[str, Any]) -> int:
    """Start, tell how to reach it, mind the children, stop in order."""
    from django.conf import settings

    from hive_site.stack.stack import Stack

    require_enabled(settings.HIVE)
    data: Path = settings.HIVE.data
    stack = Stack(
        # manage.py has read --data already: everything else follows the same directory
        data=data,
        host=options["host"],
        port=options["port"],
        spores=options["spores"],
        slots=options["slots"],
        # One for the commands run beside it, one for whoever asked.
        ready_files=[data / READY_FILE, *filter(None, [options["ready_file"]])],
    )
    listen_to_signals(stack)
    try:
        welcome(stack, stack.start(on_step=tell))
        mind(stack, restart=options["restart"])
    finally:
        stack.stop(on_step=tell)
    tell("stopped; nothing is left running")
    return 0


def find_nexus(hive: "Options") -> str:
    """The address of the Nexus that `hive up` runs on this directory, else the one that is set."""
    try:
        ready: dict[str, str] = json.loads((hive.data / READY_FILE).read_text())
    except (OSError, ValueError):
        return hive.nexus_url
    return ready["nexus"]


def require_enabled(hive: "Options") -> None:
    """Nothing if the Hive may run. Raises `Invalid` if it was switched off."""
    if not hive.enabled:
        raise Invalid("ENABLE_HIVE is false; set it to true to start the Hive")


def tell(line: str) -> None:
    """A line for whoever watches. That nobody watches any more must not end the Hive."""
    with contextlib.suppress(OSError):
        sys.stdout.write(f"· {line}\n")
        sys.stdout.flush()


def listen_to_signals(stack: "Stack") -> None:
    """The first signal stops in order, the second one stops at once."""

    def on_signal(signum: int, frame: FrameType | None) -> None:
        if stack.interrupt.is_set():
            stack.hurry.set()
        stack.interrupt.set()

    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, on_signal)
    # nohup has it ignored, and means it
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, on_signal)


def mind(stack: "Stack", *, restart: bool) -> None:
    """Watch over the children until a signal comes."""
    while not stack.interrupt.wait(LOOK_EVERY_SECONDS):
        deaths, revived = stack.mind(restart=restart)
        for death in deaths:
            tell(obituary(death, restart=restart))
        for name in revived:
            tell(f"{name} was started again")


def obituary(death: "Death", *, restart: bool) -> str:
    """What to tell about a child that died, and what follows from it."""
    said = f" Its last words: {death.last_words}" if death.last_words else ""
    if restart:
        follows = "It will be started again."
    elif death.name in VITAL:
        follows = "NOTHING WORKS WITHOUT IT: stop with Ctrl-C and start again."
    else:
        follows = "The rest goes on (--restart would start it again)."
    return f"{death.name} ended with {death.end}. {follows}{said} Log: {death.log}"


def welcome(stack: "Stack", ready: dict[str, Any]) -> None:
    """How to use what just started."""
    from rich.console import Console
    from rich.text import Text

    from hive_site.commands.calling import manage_py

    prefix = "" if stack.data == Path("var").absolute() else f"HIVE_DATA_DIR={stack.data} "
    submit = f"{prefix}{manage_py()} hive submit text.word_count --items - --wait 30"
    rows = {
        "Site": ready["nexus"],
        "Log in": f"{ready['login_url']} (once, within an hour)",
        "API key": f"in {stack.data / 'secrets' / 'api_key'}",
        "Spores": ", ".join(ready["pids"]["spores"]) or "none",
        "Logs": str(stack.logs),
        "Try": f"echo '[\"to bee or not to bee\"]' | {submit}",
    }
    with contextlib.suppress(OSError):
        console = Console(highlight=False)
        console.print("\n[bold green]The Hive is up.[/] Ctrl-C stops all of it.\n")
        for name, value in rows.items():
            # Unbroken, so that a narrow terminal does not cut a link or a command in two.
            console.print(Text.assemble((f"{name:<9}", "bold"), value), soft_wrap=True)
        console.print()
