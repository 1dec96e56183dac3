"""`python -m docs.pictures`: start a Hive, fill it with work, take every page, leave nothing."""

import argparse
import contextlib
import signal
import sys
import tempfile
from pathlib import Path
from types import FrameType

from docs.pictures.album import IMAGES, PAGES, Page, shoot
from docs.pictures.garden import Garden
from hive_site.kernel.errors import HiveError
from tests.browser.chromium import start_chromium, what_is_missing
from tests.browser.people import People
from tests.browser.visitor import Visitor


def main(argv: list[str]) -> int:
    """0 if every picture was taken."""
    parser = argparse.ArgumentParser(prog="docs.pictures", description=__doc__)
    names = [page.name for page in PAGES]
    parser.add_argument("names", nargs="*", metavar="name", help=f"some of: {', '.join(names)}")
    wanted = parser.parse_args(argv).names or names
    if unknown := set(wanted) - set(names):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        if missing := what_is_missing():
            raise HiveError(missing)
        take([page for page in PAGES if page.name in wanted])
    except HiveError as fact:
        sys.stderr.write(f"pictures: {fact}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def take(pages: list[Page]) -> None:
    """Write these pages to docs/img/."""
    with contextlib.ExitStack() as leave:
        folder = Path(leave.enter_context(tempfile.TemporaryDirectory(prefix="hive-pictures-")))
        print("· starting a Hive", flush=True)
        garden = Garden(folder / "hive")
        leave.callback(garden.clear)
        garden.plant()
        driver = start_chromium(downloads=folder)
        leave.callback(driver.quit)
        visitor = Visitor(driver, garden.colony.stack.ready["nexus"], People(garden.colony))
        garden.fill(lambda step: print(f"· {step}", flush=True))
        IMAGES.mkdir(exist_ok=True)
        for path in shoot(visitor, pages, garden.ids, garden.colony.stack.data):
            print(f"{path.name:<28} {path.stat().st_size / 1000:>5.0f} kB", flush=True)


def _interrupt(signum: int, frame: FrameType | None) -> None:
    """SIGTERM ends a run as Ctrl-C does: by the way out of every `with`."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
