"""Live pages tell the truth: while nothing happens, while they are frozen, when things go away."""

import pytest
from selenium.webdriver.common.by import By

AN_HOUR_AHEAD = "const right = Date.now; Date.now = () => right() + 3600e3;"


@pytest.fixture
def wrong_clock(visitor):
    """The clock of the visitor's machine is an hour ahead."""
    source = {"source": AN_HOUR_AHEAD}
    added = visitor.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", source)
    yield
    visitor.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)


def ask(visitor, script):
    """What the page answers."""
    return visitor.driver.execute_script(f"return {script}")


def live(visitor):
    """Wait until the page is live."""
    visitor.until(lambda: ask(visitor, "document.body.dataset.live") == "live", what="to be live")


def test_ages_go_by_the_clock_of_the_nexus(visitor, hive, wrong_clock):
    job = hive.submit("demo.echo", ["a"]).wait().id
    visitor.log_in("viewer")

    visitor.open("/jobs/")
    live(visitor)

    said = visitor.find(f"[data-key='{job}'] time")
    visitor.until(lambda: " h " not in said.text, what="the age without the hour")


def test_ages_go_on_where_nothing_happens(visitor, hive):
    job = hive.submit("demo.echo", ["a"]).wait().id
    visitor.log_in("viewer")
    visitor.open("/jobs/")
    live(visitor)
    before = visitor.find(f"[data-key='{job}'] time").text

    visitor.until(
        lambda: visitor.find(f"[data-key='{job}'] time").text != before, what="another age"
    )


def test_a_frozen_page_of_a_node_stands_still(visitor):
    visitor.log_in("viewer")
    visitor.open("/nodes/spore-1/")
    live(visitor)
    visitor.press("f")
    before = visitor.find("main").text

    held = "Number(document.querySelector('[data-chip]').textContent.match(/\\d+/)?.[0] ?? 0)"
    visitor.until(lambda: ask(visitor, held) > 2, what="news that is held back")

    assert visitor.find("main").text == before


def test_who_stood_on_a_button_is_still_in_the_head_when_it_is_drawn_anew(visitor, hive):
    job = hive.submit("demo.sleep", [20])
    visitor.log_in("operator")
    visitor.open(f"/jobs/{job.id}/")
    live(visitor)
    visitor.until(lambda: ask(visitor, "!!document.querySelector('.verbs button')"), what="verbs")
    ask(visitor, "document.querySelector('.verbs button').focus()")

    job.cancel()

    visitor.until(
        lambda: (
            ask(visitor, "document.querySelector('[data-part=head]').dataset.state") == "cancelled"
        ),
        what="the cancelled job",
    )
    assert ask(visitor, "document.activeElement.closest('[data-part=head]') !== null")


def test_a_drawer_follows_its_subtask(visitor, hive):
    job = hive.submit("demo.sleep", [4])
    visitor.log_in("viewer")
    visitor.open(f"/jobs/{job.id}/")
    live(visitor)
    visitor.driver.find_element(By.CSS_SELECTOR, "[data-part=table] a[data-subtask]").click()

    shown = "document.querySelector('[data-part=subtask] .state')?.dataset.state"
    visitor.until(lambda: ask(visitor, shown) == "succeeded", what="the end in the drawer")


def test_behind_a_drawer_the_timeline_stays(visitor, hive):
    job = hive.submit("demo.sleep", [1] * 30)
    visitor.log_in("viewer")
    visitor.open(f"/jobs/{job.id}/?tab=timeline")
    some = "document.querySelector('[data-part=timeline] rect[data-i]')"
    visitor.until(lambda: ask(visitor, f"!!{some}"), what="something that ran")
    ask(visitor, f"{some}.dispatchEvent(new MouseEvent('click', {{bubbles: true}}))")
    visitor.until(lambda: ask(visitor, "document.querySelector('[data-drawer]').open"), what="it")

    fetched = (
        "performance.getEntriesByType('resource').filter((e) => /subtasks/.test(e.name)).length"
    )
    visitor.until(lambda: ask(visitor, fetched) > 2, what="two looks at what became of it")

    assert ask(visitor, "document.querySelector('[data-part=timeline]') !== null")


def test_copying_twice_leaves_the_button_as_it_was(visitor, hive):
    job = hive.submit("demo.echo", ["a"]).wait().id
    visitor.log_in("viewer")
    visitor.open(f"/jobs/{job}/")
    for _ in range(2):
        ask(visitor, "document.querySelector('[data-copy]').click()")

    visitor.sees("copy id")


def test_a_line_that_says_nothing_is_given_up(visitor):
    visitor.log_in("viewer")
    visitor.expect("WebSocket is closed before the connection is established")
    mute = """
        const Real = WebSocket;
        window.lines = 0;
        window.WebSocket = class extends EventTarget {
          static OPEN = 1;
          readyState = 1;
          constructor() { super(); window.lines += 1; }
          send() {}
          close() {}
        };
    """
    source = {"source": mute}
    added = visitor.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", source)
    visitor.open("/jobs/")

    visitor.until(lambda: ask(visitor, "window.lines") > 1, what="another line")
    visitor.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)


def test_a_job_of_one_has_one_subtask(visitor, hive):
    job = hive.submit("demo.echo", ["a"]).wait().id
    visitor.log_in("viewer")
    visitor.open(f"/jobs/{job}/")

    label = "document.querySelector('canvas').getAttribute('aria-label')"
    visitor.until(lambda: ask(visitor, label).startswith("1 subtask:"), what="its words")
