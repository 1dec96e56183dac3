"""`python -m bench.pages`: how soon a page is usable and how long it paints, in a real Chromium.

The cluster is that of `bench.live`: a thousand nodes, a job of 100,000 subtasks of which 2,000
change every second, and twenty viewers, one of whom is the Chromium.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.figures import percentile
from bench.live import VIEWERS, open_stage, print_figures
from bench.nexus import HOST, Nexus
from hive_site.configuration import PROJECT
from tests.browser.chromium import start_chromium, what_is_missing

LOADS, SECONDS, PATIENCE_SECONDS = 5, 15.0, 60.0
LOOK_EVERY_SECONDS = 0.1
#: Until Chromium is through; then they are sent away.
CROWD_SECONDS = 3_600.0
GOALS = {"usable_ms": 2_000.0, "paint_ms_p99": 8.0}
FRAMES = Path(__file__).with_name("frames.js")


def come_in(driver: Any, url: str) -> None:
    """Log in by a link that works once."""
    from nodes.login_links import make_login_link

    driver.get(make_login_link(url))
    source = {"source": FRAMES.read_text()}
    driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", source)


def measure_page(driver: Any, url: str, *, loads: int, seconds: float) -> dict[str, float]:
    """Milliseconds until the page is usable, and what it then takes to keep it so."""
    usable = [_load(driver, url) for _ in range(loads)]
    driver.execute_script("noted.paints = []")
    time.sleep(seconds)
    noted = driver.execute_script("return noted")
    return {
        "usable_ms": percentile(usable, 0.5),
        "usable_ms_max": max(usable),
        "paints_per_second": len(noted["paints"]) / seconds,
        "paint_ms_p50": percentile(noted["paints"], 0.5),
        "paint_ms_p99": percentile(noted["paints"], 0.99),
        "paint_ms_max": max(noted["paints"]),
        "long_tasks": len(noted["tasks"]),
        "longest_task_ms": max(noted["tasks"], default=0.0),
    }


def _load(driver: Any, url: str) -> float:
    driver.get(url)
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while not (usable := driver.execute_script("return noted.usable")):
        if time.monotonic() > give_up_at:
            raise SystemExit(f"bench: {url} showed nothing live")
        time.sleep(LOOK_EVERY_SECONDS)
    return float(usable)


def measure_all(puppets: Any, nexus: Nexus, options: argparse.Namespace) -> dict[str, Any]:
    """The figures of each page, while the other viewers watch."""
    argv = [sys.executable, "-m", "bench.crowd", str(VIEWERS - 1), str(CROWD_SECONDS)]
    argv += [str(nexus.port), nexus.key, puppets.job]
    url = f"http://{HOST}:{nexus.port}"
    pages = {"overview": "/", "job": f"/jobs/{puppets.job}/"}
    with (
        tempfile.TemporaryDirectory(prefix="hive-bench-") as folder,
        subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, cwd=PROJECT) as crowd,
    ):
        assert crowd.stdout
        crowd.stdout.readline()  # all of them know the whole
        driver = start_chromium(downloads=Path(folder))
        try:
            come_in(driver, url)
            return {
                name: measure_page(driver, url + path, loads=options.loads, seconds=options.seconds)
                for name, path in pages.items()
                if name in options.pages
            }
        finally:
            driver.quit()
            crowd.terminate()


def main(argv: list[str]) -> int:
    """0 if all goals were met."""
    parser = argparse.ArgumentParser(prog="bench.pages", description=__doc__)
    parser.add_argument("pages", nargs="*", default=["overview", "job"])
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--loads", type=int, default=LOADS)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of watching a page")
    options = parser.parse_args(argv)
    if missing := what_is_missing():
        raise SystemExit(f"bench: {missing}")
    with open_stage() as (puppets, nexus):
        figures = measure_all(puppets, nexus, options)
    if options.json:
        print(json.dumps({**figures, "goals": GOALS}, indent=2))
    else:
        for name, each in figures.items():
            print_figures(name, each)
    met = (each[name] <= goal for each in figures.values() for name, goal in GOALS.items())
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
