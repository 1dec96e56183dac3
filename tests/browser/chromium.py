"""Debian's Chromium without a window. Whatever is not on this machine is not fetched."""

import os
import shutil
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
DRIVER = "chromedriver"
WIDTH, HEIGHT = 1440, 900
SWITCHES = (
    "--headless=new",
    "--disable-gpu",
    "--disable-dev-shm-usage",  # containers have little of it
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--hide-scrollbars",
    "--lang=en-US",
    "--force-device-scale-factor=1",
    f"--window-size={WIDTH},{HEIGHT}",
)


def what_is_missing() -> str:
    """What a browser test lacks on this machine, and how to get it; empty if nothing."""
    found = any(shutil.which(name) for name in BROWSERS) and shutil.which(DRIVER)
    return "" if found else "no Chromium here: apt-get install chromium chromium-driver"


def start_chromium(*, downloads: Path) -> webdriver.Chrome:
    """A browser with nothing in it, which keeps what its console is told."""
    options = Options()
    options.binary_location = next(path for name in BROWSERS if (path := shutil.which(name)))
    for switch in SWITCHES:
        options.add_argument(switch)
    if os.geteuid() == 0:
        options.add_argument("--no-sandbox")  # root has no sandbox to go to
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    # The path is named, so that Selenium does not look for a driver on the internet. A session of
    # its own, so that Ctrl-C leaves the browser to whoever closes it.
    service = Service(shutil.which(DRIVER), popen_kw={"start_new_session": True})
    return webdriver.Chrome(options=options, service=service)
