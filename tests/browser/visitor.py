"""A person at a browser."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium.common.exceptions import (
    ElementClickInterceptedException,
    ElementNotInteractableException,
    NoSuchElementException,
    StaleElementReferenceException,
)
from selenium.webdriver import ActionChains, Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from tests.browser.people import People
from tests.end_to_end.colony import PATIENCE, until

HERE = Path(__file__).parent
PHONE = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
DESK = {"width": 1440, "height": 900, "deviceScaleFactor": 1, "mobile": False}
#: The page was drawn anew between finding something and looking at it: look again.
MOVED = (
    StaleElementReferenceException,
    NoSuchElementException,
    ElementClickInterceptedException,
    ElementNotInteractableException,
)
PRESSABLE = (
    "//*[self::a or self::button or self::summary or @role='button' or @role='tab']"
    '[normalize-space()="{0}" or @aria-label="{0}" or @title="{0}"]'
    '|//input[@type="submit"][@value="{0}"]'
)
LABEL = '//label[starts-with(normalize-space(), "{0}")]'
FIELD = f"{LABEL}//input|//*[@id={LABEL}/@for]"


class Visitor:
    """Does with the pages what people do. Whatever it waits for, it waits for patiently."""

    def __init__(self, driver: Chrome, site: str, people: People) -> None:
        self.driver, self.site = driver, site
        self._people = people
        self._expected: list[str] = []
        self._told: list[str] = []

    def open(self, path: str = "/") -> None:
        """Go to a page by its path, or to another address."""
        self.driver.get(f"{self.site}{path}" if path.startswith("/") else path)

    def log_in(self, role: str = "admin") -> None:
        """Come in by the door, as a viewer, an operator or an admin."""
        self.open("/login/")
        self.write("Name", role)
        self.write("Password", self._people.password(role))
        self.click("Log in")
        self.until(lambda: not self.path.startswith("/login/"), what="to be in")

    def log_out(self) -> None:
        """Leave, and stand before the door."""
        self.click("Log out")
        self.until(lambda: self.path.startswith("/login/"), what="the door")

    @property
    def path(self) -> str:
        """Where the visitor is, with the query."""
        return str(self.driver.current_url).removeprefix(self.site)

    @property
    def text(self) -> str:
        """All that can be read on the page."""
        return self.driver.find_element(By.TAG_NAME, "body").text

    @property
    def freshness(self) -> str:
        """What the page says of itself: off, live, catching, stale or frozen."""
        return str(self.driver.find_element(By.TAG_NAME, "body").get_attribute("data-live"))

    @property
    def focused(self) -> WebElement:
        """Where a key would go."""
        return self.driver.switch_to.active_element

    def read(self, selector: str) -> str:
        """The text of the first visible element of a CSS selector, once there is one."""
        return str(self.until(lambda: self.find(selector).text, what=f"a text in {selector}"))

    @contextmanager
    def stays(self) -> Iterator[None]:
        """Whatever happens meanwhile happens without the page being loaded anew."""
        began = "return performance.timeOrigin"
        before = self.driver.execute_script(began)
        yield
        assert self.driver.execute_script(began) == before, "the page was loaded anew"

    def until(self, holds: Callable[[], Any], *, what: str, within: float = PATIENCE) -> Any:
        """What `holds` returns once it is true."""

        def look() -> Any:
            try:
                return holds()
            except MOVED:
                return None

        return until(look, within=within, what=f"{what}, on {self.path}")

    def sees(self, text: str, *, within: float = PATIENCE) -> None:
        """Wait until this text can be read."""
        self.until(lambda: text in self.text, what=f"to see {text!r}", within=within)

    def sees_no(self, text: str, *, within: float = PATIENCE) -> None:
        """Wait until this text can be read no more."""
        self.until(lambda: text not in self.text, what=f"{text!r} to go", within=within)

    def is_told(self, freshness: str, *, within: float = PATIENCE) -> None:
        """Wait until the page says that it is live, stale and so on."""
        told = lambda: self.freshness == freshness  # noqa: E731
        self.until(told, what=f"a page that is {freshness}", within=within)

    def find(self, selector: str) -> WebElement:
        """The first visible element of a CSS selector, once there is one."""
        found: WebElement = self.until(
            lambda: _first_visible(self.driver.find_elements(By.CSS_SELECTOR, selector)),
            what=f"an element {selector}",
        )
        return found

    def click(self, label: str) -> None:
        """Press the button, link or tab that is called so."""

        def press() -> bool:
            found = _first_visible(self.driver.find_elements(By.XPATH, PRESSABLE.format(label)))
            if found:
                found.click()
            return bool(found)

        self.until(press, what=f"a button or link {label!r}")

    def write(self, label: str, text: str) -> None:
        """Fill in the field that is called so."""

        def fill() -> bool:
            field = _first_visible(self.driver.find_elements(By.XPATH, FIELD.format(label)))
            if field:
                field.clear()
                field.send_keys(text)
            return bool(field)

        self.until(fill, what=f"a field {label!r}")

    def press(self, *keys: str) -> None:
        """Press keys one after the other, wherever the focus is."""
        ActionChains(self.driver).send_keys(*keys).perform()

    def dark(self) -> None:
        """Like it dark."""
        self._prefer("prefers-color-scheme", "dark")

    def light(self) -> None:
        """Like it light."""
        self._prefer("prefers-color-scheme", "light")

    def calm(self) -> None:
        """Like nothing to move."""
        self._prefer("prefers-reduced-motion", "reduce")

    def phone(self) -> None:
        """Hold a phone."""
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)

    def desktop(self) -> None:
        """Sit at a desk."""
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", DESK)

    def without_script(self) -> None:
        """Do without JavaScript, on every page from now on."""
        self.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})

    def offline(self) -> None:
        """Lose the network."""
        self._network(offline=True)

    def online(self) -> None:
        """Find the network again."""
        self._network(offline=False)

    def rest(self) -> None:
        """Wait until the page is whole: its fonts, its images, and two paints."""
        self.driver.execute_async_script((HERE / "rest.js").read_text())

    def contrast_problems(self) -> list[dict[str, Any]]:
        """Visible texts that stand out too little: WCAG 2, AA."""
        return self._ask("contrast.js")

    def overflow(self) -> list[str]:
        """What is wider than the screen."""
        return self._ask("overflow.js")

    def expect(self, *complaints: str) -> None:
        """Say that errors with these words in the console are no fault here."""
        self._expected += complaints

    def complaints(self) -> list[str]:
        """What the console was told that nobody expected: errors and uncaught exceptions."""
        self._told += [
            entry["message"]
            for entry in self.driver.get_log("browser")
            if entry["level"] == "SEVERE"
        ]
        return [told for told in self._told if not any(word in told for word in self._expected)]

    def _ask(self, script: str) -> Any:
        return self.driver.execute_script((HERE / script).read_text())

    def _prefer(self, name: str, value: str) -> None:
        features = {"features": [{"name": name, "value": value}]}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", features)

    def _network(self, *, offline: bool) -> None:
        limits = {
            "offline": offline,
            "latency": 0,
            "downloadThroughput": -1,
            "uploadThroughput": -1,
        }
        self.driver.execute_cdp_cmd("Network.enable", {})
        self.driver.execute_cdp_cmd("Network.emulateNetworkConditions", limits)


def _first_visible(elements: Sequence[WebElement]) -> WebElement | None:
    return next((element for element in elements if element.is_displayed()), None)
