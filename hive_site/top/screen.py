"""The loop of `hive top`: looks beside the screen, so that keys are answered at once."""

import os
import signal
import time
from dataclasses import dataclass
from threading import Condition, Thread
from types import FrameType

from rich.console import Console
from rich.live import Live
from rich.text import Text

from hive_site.top.cells import plain
from hive_site.top.drawing import Manner, draw
from hive_site.top.facts import Source
from hive_site.top.keyboard import Keyboard
from hive_site.top.view import SORTS, View, Watcher

#: How often the age on the screen goes on though there is nothing new.
REDRAW_SECONDS = 0.5
PAGE = 10
TERMINATED = 128 + signal.SIGTERM


class Looker:
    """Looks again and again in a thread of its own, and keeps the newest view."""

    def __init__(self, source: Source, *, interval: float) -> None:
        self._source, self._interval = source, interval
        self._watcher, self._news = Watcher(), Condition()
        self._view: View | None = None
        self._trouble, self._paused = "", False

    def start(self) -> None:
        """Begin. It ends with the process."""
        Thread(target=self._run, name="top", daemon=True).start()

    def pause(self, paused: bool) -> None:
        """Look no more, or go on."""
        with self._news:
            self._paused = paused
            self._news.notify_all()

    def newest(self) -> tuple[View | None, str]:
        """The newest view, and what came in the way of a newer one."""
        with self._news:
            return self._view, self._trouble

    def look(self) -> View:
        """Look once, now. Raises what the source raises."""
        return self._watcher.see(self._source.look(history=self._view is None))

    def _run(self) -> None:
        while True:
            begun = time.monotonic()
            try:
                view, trouble = self.look(), ""
            except Exception as error:  # noqa: BLE001 a thread's edge; the screen tells, it may pass
                view, trouble = None, str(error) or type(error).__name__
            with self._news:
                self._view, self._trouble = view or self._view, trouble
                rest = begun + self._interval - time.monotonic()
                self._news.wait_for(lambda: self._paused, max(rest, 0.0))
                self._news.wait_for(lambda: not self._paused)


@dataclass(slots=True)
class Screen:
    """What its user has chosen."""

    looker: Looker
    sort: str = SORTS[0]
    offset: int = 0
    paused: bool = False

    def press(self, key: str) -> bool:
        """Do what a key asks for; False if that is to end."""
        match key:
            case "q" | "Q" | "end":
                return False
            case "p" | " ":
                self.paused = not self.paused
                self.looker.pause(self.paused)
            case "s":
                self.sort = SORTS[(SORTS.index(self.sort) + 1) % len(SORTS)]
            case "up" | "page up":
                self.offset = max(self.offset - (1 if key == "up" else PAGE), 0)
            case "down" | "page down":
                view, _ = self.looker.newest()
                nodes = len(view.nodes) if view else 0
                self.offset = min(self.offset + (1 if key == "down" else PAGE), nodes)
        return True

    def show(self, live: Live, console: Console) -> None:
        """Draw the newest view in the size that the terminal has now."""
        view, trouble = self.looker.newest()
        if view is None:
            live.update(Text(plain(trouble or "looking …")), refresh=True)
            return
        width, height = console.size
        manner = Manner(
            width=width,
            height=height,
            sort=self.sort,
            offset=self.offset,
            paused=self.paused,
            now=time.time() if not self.paused else view.at,
            lost=trouble,
        )
        live.update(draw(view, manner), refresh=True)


def open_console() -> Console:
    """A console that goes by the size of its terminal, and not by what a shell once exported."""
    for name in ("COLUMNS", "LINES"):
        os.environ.pop(name, None)
    return Console(highlight=False)


def run_screen(source: Source, console: Console, *, interval: float) -> int:
    """Show the cluster until somebody presses q; the terminal is as before afterwards."""
    looker = Looker(source, interval=interval)
    screen = Screen(looker)
    signal.signal(signal.SIGTERM, _leave)
    looker.start()
    options = {"screen": True, "auto_refresh": False, "vertical_overflow": "crop"}
    with Keyboard() as keyboard, Live(console=console, **options) as live:
        goes_on = True
        while goes_on:
            screen.show(live, console)
            goes_on = screen.press(keyboard.wait(min(interval, REDRAW_SECONDS)))
    return 0


def _leave(signum: int, frame: FrameType | None) -> None:
    raise SystemExit(TERMINATED)
