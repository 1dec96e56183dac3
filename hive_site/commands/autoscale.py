"""`hive autoscale`: whether a file of pools is right, and how the pools are."""

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hive_site.commands.answers import answer
from hive_site.kernel.errors import HiveError, Invalid, Unavailable

if TYPE_CHECKING:
    from rich.console import Console

    from nodes.autoscaling.configuration import PoolSettings

HELP = "check a file of pools, or show the pools and why they are as large as they are"
SHOWN = ("ready", "starting", "draining", "held", "leaving")
CHANGES_SHOWN = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to do, and with which file."""
    parser.add_argument("action", choices=("status", "check"), metavar="status|check")
    text = "of `check`: a TOML file (default: HIVE_AUTOSCALE_FILE)"
    parser.add_argument("file", nargs="?", metavar="FILE", help=text)
    ask = "with `check`: let each provider list what it runs, which proves that it can be reached"
    parser.add_argument("--ask", action="store_true", help=ask)
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: dict[str, Any]) -> int:
    """Check or show; the exit code."""
    if options["action"] == "check":
        return check(options)
    if options["file"] or options["ask"]:
        raise Invalid("FILE and --ask are of `check`; `status` takes neither")
    return show_status(as_json=options["json"])


def check(options: dict[str, Any]) -> int:
    """Read the file as the Foreman will. Raises `Invalid` for the first thing that is wrong."""
    from nodes.autoscaling.configuration import read_pools

    where, text = read_document(options["file"])
    try:
        pools = read_pools(text)
    except Invalid as error:
        raise Invalid(f"{where}: {error}", field=error.field) from error
    listed = open_all(pools, ask=options["ask"])
    if options["json"]:
        rows = [describe(pool) | {"instances": listed.get(pool.name)} for pool in pools]
        answer({"pools": rows})
        return 0
    sys.stdout.write(f"{where} is right.\n")
    for pool in pools:
        found = f"; it runs {listed[pool.name]} now" if pool.name in listed else ""
        sys.stdout.write(f"  {sentence(pool)}{found}\n")
    return 0


def read_document(path: str | None) -> tuple[str, str]:
    """What it is called, and its text. Raises `Invalid`."""
    from django.conf import settings

    if path is None:
        if not settings.HIVE.autoscale:
            raise Invalid("give a FILE, or set HIVE_AUTOSCALE_FILE", field="file")
        return "HIVE_AUTOSCALE", settings.HIVE.autoscale
    try:
        return path, Path(path).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{path}: {error}; give a TOML file", field="file") from error


def open_all(pools: "list[PoolSettings]", *, ask: bool) -> dict[str, int]:
    """Open each provider, which tells of packages that are missing; with `ask`, how many machines
    each lists. Raises `HiveError`."""
    from hive_site.pools import surroundings
    from nodes.autoscaling.ports import ProviderError
    from nodes.autoscaling.providers import open_provider

    around, listed = surroundings(pools), {}
    for pool in pools:
        try:
            provider = open_provider(pool, around)
            if ask:
                listed[pool.name] = len(provider.list())
        except (HiveError, ProviderError) as error:
            raise HiveError(f"pools.{pool.name}: {error}") from error
    return listed


def describe(pool: "PoolSettings") -> dict[str, Any]:
    """A pool with all its defaults."""
    rules = pool.rules
    return {
        **{"name": pool.name, "provider": pool.provider, "cluster": pool.cluster},
        **{"min": rules.minimum, "max": rules.maximum, "slots": pool.slots},
        **{"labels": pool.node_labels, "capabilities": list(pool.capabilities)},
        **{"gpus": pool.gpus, "gpu_memory_mb": pool.gpu_memory_mb, "memory_mb": pool.memory_mb},
        **{"target_wait_seconds": rules.target_wait, "calm_seconds": rules.calm},
        **{"cooldown_seconds": rules.cooldown, "start_timeout_seconds": rules.start_timeout},
        "list_every_seconds": pool.list_every,
    }


def sentence(pool: "PoolSettings") -> str:
    """A pool in a line."""
    rules = pool.rules
    slots = f"{pool.slots} slot{'s' * (pool.slots != 1)}"
    gpus = f" and {pool.gpus} GPU{'s' * (pool.gpus != 1)}" if pool.gpus else ""
    return (
        f"{pool.name}: {rules.minimum} to {rules.maximum} nodes of {slots}{gpus} by "
        f"{pool.provider}, grows beyond {rules.target_wait:g} s of waiting, "
        f"shrinks after {rules.calm:g} s of calm"
    )


def show_status(*, as_json: bool) -> int:
    """How the pools are, as the Foreman sees them. Raises `Unavailable` if nobody leads."""
    from nodes.picture import look

    picture = look()
    facts = picture.current(time.time())
    if not facts:
        way = f"Redis: {picture.away}" if picture.away else "start one: python manage.py foreman"
        raise Unavailable(f"no Foreman tells how the pools are; {way}")
    pools = facts.get("pools", {})
    if as_json:
        answer({"pools": pools})
        return 0
    from rich.console import Console

    show(Console(highlight=False), pools)
    return 0


def show(console: "Console", pools: dict[str, Any]) -> None:
    """The pools for people."""
    from rich.markup import escape

    if not pools:
        console.print("There are no pools; HIVE_AUTOSCALE_FILE names a file of them.")
    for name, pool in pools.items():
        here = ", ".join(f"{pool[what]} {what}" for what in SHOWN if pool[what]) or "no node"
        bounds = f"{pool['min']} to {pool['max']}, {pool['wanted']} wanted"
        console.print(f"[bold]{name}[/] ({escape(pool['provider'])}): {here}; {bounds}")
        console.print(f"  {escape(pool['reason'])}")
        if pool["error"]:
            console.print(f"  [red]{escape(pool['error'])}[/]")
        for change in pool["changes"][-CHANGES_SHOWN:]:
            told = f"  {change['at']} {change['what']}: {change['reason']}"
            console.print(escape(told), style="dim")
