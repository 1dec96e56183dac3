"""One real Hive and one Chromium for all tests here; each test has a window of its own."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from selenium.webdriver import Chrome

from jobs.client import Hive
from tests.browser.chromium import start_chromium, what_is_missing
from tests.browser.people import People
from tests.browser.visitor import Visitor
from tests.end_to_end.colony import Colony
from tests.end_to_end.conftest import find_logs, last_lines

REQUIRED = "HIVE_REQUIRE_BROWSER"


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """Chromium; where there is none, tests are skipped, or fail if it is required."""
    if missing := what_is_missing():
        (pytest.fail if os.environ.get(REQUIRED) == "1" else pytest.skip)(missing)
    driver = start_chromium(downloads=tmp_path_factory.mktemp("downloads"))
    yield driver
    driver.quit()


@pytest.fixture(scope="package")
def running(browser: Chrome, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Colony]:
    """Asks for the browser first: without one, no Hive need start."""
    colony = Colony(tmp_path_factory.mktemp("hive"))
    yield colony
    colony.stop()


@pytest.fixture(scope="package")
def people(running: Colony) -> People:
    return People(running)


@pytest.fixture(scope="module")
def colony(running: Colony) -> Iterator[Colony]:
    """The Hive, whole and idle when a module begins and when it ends."""
    running.heal()
    yield running
    running.heal()


@pytest.fixture
def hive(colony: Colony) -> Hive:
    """The client of the REST API, with a key that may do everything."""
    return colony.hive


@pytest.fixture
def visitor(browser: Chrome, colony: Colony, people: People) -> Iterator[Visitor]:
    """Somebody whom the site does not know yet. Whatever is wrong in the console fails the test."""
    site = colony.stack.ready["nexus"]
    forget_everything(browser, site)
    visitor = Visitor(browser, site, people)
    yield visitor
    assert visitor.complaints() == []


def forget_everything(browser: Chrome, site: str) -> None:
    """Go on in a new window, without cookies, storage, likings or what was said before."""
    old = browser.current_window_handle
    browser.switch_to.new_window("window")
    new = browser.current_window_handle
    browser.switch_to.window(old)
    browser.close()
    browser.switch_to.window(new)
    browser.execute_cdp_cmd("Network.clearBrowserCookies", {})
    everything = {"origin": site, "storageTypes": "all"}
    browser.execute_cdp_cmd("Storage.clearDataForOrigin", everything)
    browser.get_log("browser")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """A failure shows what was on the page, and what the processes said last."""
    report = yield
    fixtures = getattr(item, "funcargs", {})
    if report.failed and "visitor" in fixtures:
        if call.when == "call":  # afterwards the browser may be gone
            visitor = fixtures["visitor"]
            report.sections.append((f"page at {visitor.path}", visitor.text))
        for log in find_logs(fixtures):
            report.sections.append((f"end of {log.name}", last_lines(log)))
    return report
