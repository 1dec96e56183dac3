"""What goes away: the page says so, and is right again by itself."""

import signal

import pytest

from tests.end_to_end.colony import until
from tests.end_to_end.marks import Marks

#: Numbers are called old when they are older than 5 s, and are looked at twice a second.
STALE_WITHIN_SECONDS = 8.0


@pytest.fixture(autouse=True)
def whole_again(colony):
    """Nothing stays stopped."""
    yield
    colony.heal()


def test_a_page_is_live_again_after_the_nexus_was_killed(visitor, colony, hive, tmp_path):
    marks = Marks(tmp_path / "marks")
    job = hive.submit("odd.hold", [str(marks.place)])["id"]
    marks.await_count(1)
    visitor.expect("net::ERR_", "WebSocket connection")
    visitor.log_in("viewer")
    visitor.open(f"/jobs/{job}/")
    visitor.is_told("live")

    with visitor.stays():
        colony.kill("nexus")
        visitor.is_told("stale", within=STALE_WITHIN_SECONDS)
        visitor.until(lambda: "retry in" in visitor.read("[data-chip]"), what="the next try")
        marks.go()
        until(marks.done, what="the end of what runs")
        until(lambda: colony.stack.mind(restart=True)[1] == ["nexus"], what="another Nexus")
        visitor.is_told("live")
        visitor.until(lambda: visitor.read(".title .state") == "succeeded", what="the newest")


@pytest.mark.parametrize("part", ["redis", "foreman"])
def test_a_page_says_that_it_is_old_while_a_part_hangs(visitor, colony, part):
    visitor.log_in("viewer")
    visitor.is_told("live")

    with visitor.stays():
        colony.signal(part, signal.SIGSTOP)
        try:
            visitor.is_told("stale", within=STALE_WITHIN_SECONDS)
        finally:
            colony.signal(part, signal.SIGCONT)
        visitor.is_told("live")


def test_a_page_that_is_loaded_while_redis_is_dead_says_what_is_wrong(visitor, colony):
    visitor.log_in("viewer")
    colony.kill("redis")

    visitor.open("/queues/")
    visitor.sees("Redis does not answer.")
    colony.heal()

    visitor.is_told("live")


def test_a_page_of_a_nexus_that_never_saw_redis_is_told_to_be_old(visitor, colony):
    visitor.expect("net::ERR_", "WebSocket connection")
    visitor.log_in("viewer")
    colony.signal("redis", signal.SIGSTOP)
    try:
        colony.kill("nexus")
        until(colony.answers, what="another Nexus")
        visitor.open("/nodes/")
        visitor.is_told("stale", within=STALE_WITHIN_SECONDS)
    finally:
        colony.signal("redis", signal.SIGCONT)
    visitor.is_told("live")


def test_whoever_logs_out_in_another_tab_is_told_in_this_one(visitor):
    visitor.expect("WebSocket connection", "401 (Unauthorized)")
    visitor.log_in("viewer")
    visitor.is_told("live")
    driver, here = visitor.driver, visitor.driver.current_window_handle

    with visitor.stays():
        driver.switch_to.new_window("tab")
        visitor.open("/nodes/")
        visitor.log_out()
        driver.close()
        driver.switch_to.window(here)
        # Without a window no tab is ever hidden: say by hand that one came back to it.
        driver.execute_script("document.dispatchEvent(new Event('visibilitychange'))")
        visitor.sees("You are logged out.")

    visitor.click("Log in again")
    visitor.until(lambda: visitor.path == "/login/?next=/", what="the door")
