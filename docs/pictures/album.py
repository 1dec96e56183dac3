"""Which pages are taken, and how."""

import base64
import platform
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from hive_site.configuration import PROJECT
from tests.browser.visitor import Visitor

IMAGES = PROJECT / "docs" / "img"
DISGUISE = Path(__file__).with_name("disguise.js")
#: What pages tell of the machine that takes the pictures, and what the pictures say instead.
MACHINE = {
    str(PROJECT): "/srv/hive",
    platform.platform(): "Linux-6.12-x86_64-with-glibc2.41",
    f"{socket.gethostname()}:": "orchard:",
}


def just_look(visitor: Visitor) -> None:
    """Do nothing: the page shows itself."""


def await_grid(visitor: Visitor) -> None:
    """Wait until the grid is painted."""
    painted = lambda: visitor.find(".grid-holder canvas").get_attribute("data-paint")  # noqa: E731
    visitor.until(painted, what="a painted grid")


def open_failed(visitor: Visitor) -> None:
    """Open the drawer of the subtask that failed."""
    visitor.click("#2")
    visitor.sees("KeyError")


@dataclass(frozen=True, slots=True)
class Page:
    """`path` may name a job as `{running}`; `act` is done before the picture is taken."""

    name: str
    path: str
    act: Callable[[Visitor], None] = just_look
    on_phone: bool = False
    inside: bool = True

    @property
    def is_live(self) -> bool:
        """Whether it goes on by itself: the picture is to show that it does."""
        return self.inside and not self.path.startswith("/admin/")


PAGES = [
    Page("login", "/login/", inside=False),
    Page("overview", "/", on_phone=True),
    Page("nodes", "/nodes/"),
    Page("node", "/nodes/oak/"),
    Page("jobs", "/jobs/"),
    Page("job", "/jobs/{running}/", await_grid, on_phone=True),
    Page("job-timeline", "/jobs/{running}/?tab=timeline"),
    Page("job-results", "/jobs/{done}/?tab=results"),
    Page("job-errors", "/jobs/{running}/?tab=errors"),
    Page("job-log", "/jobs/{running}/?tab=log"),
    Page("job-subtask", "/jobs/{failed}/", open_failed),
    Page("queues", "/queues/"),
    Page("rollouts", "/rollouts/"),
    Page("rollout", "/rollouts/{rollout}/"),
    Page("admin", "/admin/"),
    Page("admin-jobs", "/admin/jobs/job/"),
    Page("admin-job", "/admin/jobs/job/{running}/change/"),
    Page("admin-nodes", "/admin/nodes/node/"),
]


def shoot(
    visitor: Visitor, pages: list[Page], ids: Mapping[str, str], data: Path
) -> Iterator[Path]:
    """Take every page, light and dark; the files as they are written. `data` is the Hive's."""
    words = MACHINE | {str(data): "/var/lib/hive"}
    for page in pages:
        if not page.inside:
            yield from _take_all(visitor, page, ids, words)
    visitor.log_in("admin")
    for page in pages:
        if page.inside:
            yield from _take_all(visitor, page, ids, words)


def _take_all(
    visitor: Visitor, page: Page, ids: Mapping[str, str], words: Mapping[str, str]
) -> Iterator[Path]:
    for screen in ("desktop", "phone") if page.on_phone else ("desktop",):
        getattr(visitor, screen)()
        size = "-phone" if screen == "phone" else ""
        for liking in ("light", "dark"):
            getattr(visitor, liking)()
            visitor.open(page.path.format(**ids))
            if page.is_live:
                visitor.is_told("live")
            page.act(visitor)
            visitor.rest()
            visitor.driver.execute_script(DISGUISE.read_text(), words)
            yield _take(visitor, IMAGES / f"{page.name}{size}-{liking}.png")


def _take(visitor: Visitor, target: Path) -> Path:
    shot = visitor.driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})
    target.write_bytes(base64.b64decode(shot["data"]))
    return target
