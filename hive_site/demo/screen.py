"""What people see of the demo: bars and lines on a terminal, plain lines anywhere else."""

import re
import sys
from types import TracebackType
from typing import Any, Protocol
from urllib.parse import urlsplit

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from hive_site.demo.story import Outcome, Scene, seconds_between

#: What the table needs beside the last column: four columns and their lines.
OTHER_COLUMNS = 2 + 18 + 8 + 5 + 16
SIGNS = {"online": "[green]●[/]", "lost": "[red]✗[/]", "suspect": "[yellow]?[/]"}


class Screen(Protocol):
    """Anything that can show a run."""

    def say(self, line: str) -> None:
        """One line of what happens."""

    def show(self, scene: Scene) -> None:
        """The state of things now."""


class PlainScreen:
    """Lines for logs and pipes: one for each change worth telling."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet, self._done, self._killed = quiet, -1, ""

    def __enter__(self) -> "PlainScreen":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def say(self, line: str) -> None:
        """See `Screen.say`."""
        if not self._quiet:
            sys.stdout.write(f"· {line}\n")
            sys.stdout.flush()

    def show(self, scene: Scene) -> None:
        """See `Screen.show`."""
        progress = scene.job["progress"]
        if scene.killed != self._killed:
            self._killed = scene.killed
            self.say(f"killed {scene.killed} with SIGKILL; its work goes elsewhere")
        if progress["succeeded"] + progress["failed"] != self._done:
            self._done = progress["succeeded"] + progress["failed"]
            self.say(f"{self._done} of {progress['total']} articles done")


class LiveScreen:
    """One bar for the job, one line for each Spore with what it runs."""

    def __init__(self, console: Console, titles: dict[int, str]) -> None:
        self._console, self._titles = console, titles
        self._bar = Progress(
            TextColumn("[bold]articles.summarise"),
            BarColumn(bar_width=36),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
        )
        self._job = self._bar.add_task("job", total=len(titles))
        self._live = Live(console=console, refresh_per_second=8, transient=False)

    def __enter__(self) -> "LiveScreen":
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def say(self, line: str) -> None:
        """See `Screen.say`."""
        self._console.print(f"[dim]·[/] {line}", highlight=False)

    def show(self, scene: Scene) -> None:
        """See `Screen.show`."""
        progress = scene.job["progress"]
        ended = progress["succeeded"] + progress["failed"]
        self._bar.update(self._job, completed=ended)
        self._live.update(Group(self._bar, self._spores(scene)))

    def _spores(self, scene: Scene) -> Table:
        table = Table.grid(padding=(0, 2))
        for node in scene.nodes:
            dead = node["name"] == scene.killed
            sign = "[red]✗[/]" if dead else SIGNS.get(node["state"], "[yellow]·[/]")
            done = scene.done_by(node["name"])
            doing = "[red]killed with SIGKILL[/]" if dead else self._doing(node)
            table.add_row(f"  {sign} {node['name']}", f"{done} done", doing)
        return table

    def _doing(self, node: dict[str, Any]) -> Text:
        work = node.get("work")
        if not work:
            return Text("idle", style="dim")
        if work[0]["reduce"]:
            return Text("writing the digest")
        return Text(self._titles.get(work[0]["index"], "?"), no_wrap=True, overflow="ellipsis")


def show_outcome(console: Console, outcome: Outcome, titles: dict[int, str]) -> None:
    """The table of articles, and what was measured."""
    table = Table(title_justify="left", header_style="bold", row_styles=["", "dim"])
    table.add_column("#", justify="right", no_wrap=True)
    table.add_column("Article", no_wrap=True)
    table.add_column("Spore", no_wrap=True)
    table.add_column("s", justify="right", no_wrap=True)
    table.add_column("First sentence", no_wrap=True)
    room = max(console.width - OTHER_COLUMNS, 20)
    for row in outcome.results:
        title = titles.get(row["index"], "?").partition(":")[0]
        table.add_row(
            str(row["index"] + 1),
            Text(shorten(title, 18)),
            row["node"] or "–",
            f"{seconds_of(row):.2f}",
            Text(shorten(first_sentence(row), room)),
        )
    console.print(table)
    progress = outcome.job["progress"]
    good = "green" if outcome.complete else "red"
    console.print(
        f"[bold {good}]{progress['succeeded']}/{progress['total']}[/] articles in "
        f"{outcome.wall:.1f} s on {len(outcome.spores)} Spores; one after the other "
        f"{outcome.busy:.1f} s: [bold]{outcome.speed_up:.1f}× as fast[/]",
        highlight=False,
    )


def shorten(text: str, width: int) -> str:
    """The text, cut at `width` characters with a sign that it was."""
    return text if len(text) <= width else text[: width - 1] + "…"


def first_sentence(row: dict[str, Any]) -> str:
    """The beginning of a summary, or why there is none."""
    if row["state"] != "succeeded":
        return f"{row['state']}: {(row['error'] or {}).get('message', '')}"
    text = " ".join(str(row["result"]["summary"]).split())
    return re.split(r"(?<=[.!?])\s", text, maxsplit=1)[0]


def seconds_of(row: dict[str, Any]) -> float:
    """How long a subtask ran."""
    return seconds_between(row["started_at"], row["finished_at"])


def title_of(url: str) -> str:
    """What to call an article before it was read."""
    parts = urlsplit(url)
    return parts.path.strip("/") or parts.netloc
