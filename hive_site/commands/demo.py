"""`hive demo`: twenty real articles, fetched and summarised in parallel by five Spores."""

import argparse
import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hive_site.commands.answers import answer
from hive_site.commands.up import listen_to_signals, number_between, require_enabled
from hive_site.kernel.errors import Invalid

if TYPE_CHECKING:
    from hive_site.demo.screen import LiveScreen, PlainScreen
    from hive_site.demo.story import Outcome
    from hive_site.stack.stack import Stack

HELP = "fetch and summarise 20 articles in parallel, and measure the speed-up"
ARTICLES = 20
DIGEST = "digest.md"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of CONTRACT §2."""
    parser.add_argument(
        "--spores", type=number_between(1, 64), default=5, metavar="N", help="how many to start"
    )
    parser.add_argument("--urls", type=Path, metavar="FILE", help="addresses, one a line")
    parser.add_argument("--chaos", action="store_true", help="kill a Spore in the middle")
    parser.add_argument("--keep", action="store_true", help="leave everything up until Ctrl-C")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: dict[str, Any]) -> int:
    """Run the whole demo; 0 only if every article was summarised."""
    from hive_site.demo.articles import ArticleServer, find_articles

    if options["chaos"] and options["spores"] < 2:
        raise Invalid("--chaos kills a Spore, and another one must go on: give --spores 2 or more")
    if options["urls"]:
        return perform(options, read_urls(options["urls"]), titles={}, env={})
    articles = find_articles(ARTICLES)
    titles = {index: article.title for index, article in enumerate(articles)}
    with ArticleServer(articles) as server:
        # The pages lie on this machine, which tasks may not read from unless they are told so.
        return perform(options, server.urls, titles, env={"HIVE_ALLOW_PRIVATE_ADDRESSES": "true"})


def read_urls(path: Path) -> list[str]:
    """The addresses in a file. Raises `Invalid` if there are none."""
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
        raise Invalid(f"--urls {path}: {why}; give a file with an address a line") from error
    urls = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    if not urls:
        raise Invalid(f"--urls {path}: it holds no address; give http:// or https:// lines")
    return urls


def perform(
    options: dict[str, Any], urls: list[str], titles: dict[int, str], env: dict[str, str]
) -> int:
    """Start the Hive, run the job, show what came out, stop the Hive."""
    from django.conf import settings

    from hive_site.demo.screen import title_of
    from hive_site.stack.stack import Stack

    require_enabled(settings.HIVE)
    titles = titles or {index: title_of(url) for index, url in enumerate(urls)}
    stack = Stack(
        data=settings.HIVE.data, port=0, spores=options["spores"], env={**os.environ, **env}
    )
    listen_to_signals(stack)
    screen = build_screen(options, titles)
    try:
        screen.say(f"{len(urls)} articles for {options['spores']} Spores")
        stack.start(on_step=screen.say)
        outcome = run_job(stack, urls, screen, chaos=options["chaos"])
        tell_outcome(stack, outcome, titles, as_json=options["json"])
        if options["keep"]:
            keep(stack, as_json=options["json"])
    finally:
        stack.stop(on_step=screen.say if options["keep"] else lambda step: None)
    return 0 if outcome.complete else 1


def build_screen(options: dict[str, Any], titles: dict[int, str]) -> "LiveScreen | PlainScreen":
    """Bars on a terminal, lines elsewhere, nothing but the document with --json."""
    from rich.console import Console

    from hive_site.demo.screen import LiveScreen, PlainScreen

    if options["json"] or not sys.stdout.isatty():
        return PlainScreen(quiet=options["json"])
    return LiveScreen(Console(), titles)


def run_job(
    stack: "Stack", urls: list[str], screen: "LiveScreen | PlainScreen", *, chaos: bool
) -> "Outcome":
    """The job, from its submission to its end."""
    from hive_site.demo.story import play
    from hive_site.kernel.redis import connect
    from jobs.client import Hive

    ready = stack.ready
    redis = connect(ready["redis_url"], name="hive-demo", patient=True)
    with screen, contextlib.closing(redis):
        return play(
            Hive(ready["nexus"], ready["api_key"]),
            urls,
            redis=redis,
            spores=ready["pids"]["spores"],
            chaos=chaos,
            show=screen.show,
            stop=stack.interrupt.is_set,
        )


def tell_outcome(
    stack: "Stack", outcome: "Outcome", titles: dict[int, str], *, as_json: bool
) -> None:
    """The table, the digest's file, the speed-up, and how to go on."""
    from rich.console import Console

    from hive_site.commands.calling import manage_py
    from hive_site.demo.screen import show_outcome

    digest = stack.data / DIGEST
    digest.write_text(str(outcome.job["result"] or ""))
    if as_json:
        answer({**describe(outcome), "digest": str(digest)})
        return
    console = Console(highlight=False)
    show_outcome(console, outcome, titles)
    if outcome.killed:
        console.print(f"{outcome.killed} was killed on the way; its work was done by others.")
    console.print(f"Digest: {digest}")
    console.print(f"\nGo on: [bold]{manage_py()} hive up[/] starts the Hive with its site,")
    console.print("       [bold]make demo ARGS=--chaos[/] kills a Spore in the middle,")
    console.print("       docs/guide/tasks.md shows how to write tasks of your own.")


def describe(outcome: "Outcome") -> dict[str, Any]:
    """The run as JSON."""
    progress = outcome.job["progress"]
    return {
        "job": outcome.job["id"],
        "state": outcome.job["state"],
        "total": progress["total"],
        "succeeded": progress["succeeded"],
        "wall_seconds": round(outcome.wall, 3),
        "busy_seconds": round(outcome.busy, 3),
        "speed_up": round(outcome.speed_up, 2),
        "spores": len(outcome.spores),
        "killed": outcome.killed or None,
        "results": outcome.results,
    }


def keep(stack: "Stack", *, as_json: bool) -> None:
    """Stay up until a signal comes."""
    if not as_json:
        ready = stack.ready
        sys.stdout.write(f"\nStill up: {ready['nexus']}  log in: {ready['login_url']}\n")
        sys.stdout.write("Ctrl-C stops all of it.\n")
        sys.stdout.flush()
    stack.interrupt.wait()
