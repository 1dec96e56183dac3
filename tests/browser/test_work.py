"""Work as one watches it and has a hand in it."""

from itertools import pairwise

import pytest
from selenium.webdriver.common.keys import Keys

from tests.end_to_end.marks import Marks

SLOTS = 6


@pytest.fixture
def marks(tmp_path):
    """What `odd.hold` leaves; whatever still waits there goes on when the test is over."""
    marks = Marks(tmp_path / "marks")
    yield marks
    marks.go()


@pytest.fixture
def held(hive, marks):
    """A job whose subtasks hold every slot, and forty more that wait; it ends with the test."""
    job = hive.submit("odd.hold", [str(marks.place)] * (SLOTS + 40), retries=0)["id"]
    marks.await_count(SLOTS)
    yield job
    marks.go()
    hive.wait(job, 30)


def counts(visitor):
    """What the legend of a job's grid says."""
    legend = visitor.read(".legend").split()
    return {word: n for word, n in pairwise(legend) if word.isalpha()}


def test_a_job_page_fills_while_the_job_runs(visitor, held, marks):
    visitor.log_in("viewer")
    visitor.open(f"/jobs/{held}/")
    visitor.until(lambda: counts(visitor).get("running") == "6", what="what runs")

    with visitor.stays():
        marks.go()
        visitor.until(lambda: counts(visitor) == {"succeeded": "46"}, what="a full grid")
        visitor.sees("Ran for")

    label = visitor.find(".grid-holder canvas").get_attribute("aria-label")
    assert label.startswith("46 subtasks: 46 succeeded.")


def test_results_stream_in_when_one_asks_for_them(visitor, held, marks):
    visitor.log_in("viewer")
    visitor.open(f"/jobs/{held}/?tab=results")
    visitor.is_told("live")

    with visitor.stays():
        marks.go()
        visitor.until(lambda: "#45" in visitor.text or press(visitor), what="the last result")


def press(visitor):
    """Ask for what is new, if something is."""
    pills = visitor.driver.find_elements("css selector", "[data-new] a")
    for pill in pills:
        if pill.is_displayed():
            pill.click()


def asks(visitor, job):
    """What one is asked who wants to cancel a job."""
    visitor.open(f"/jobs/{job}/")
    visitor.click("Cancel")
    visitor.sees("Results so far stay.")
    return visitor.text


def test_a_job_is_cancelled_from_its_page(visitor, held):
    visitor.log_in("operator")
    asked = "Stops 6 subtasks on 3 nodes, and drops 40 that wait."
    # What runs is counted once it has run for a second.
    visitor.until(lambda: asked in asks(visitor, held), what="what would be stopped")
    visitor.click("Cancel")

    visitor.sees("is being cancelled")
    with visitor.stays():
        visitor.until(lambda: visitor.read(".title .state") == "cancelled", what="its end")
        visitor.until(lambda: counts(visitor) == {"cancelled": "46"}, what="a grid that says so")


def test_whoever_thinks_twice_cancels_nothing(visitor, held, hive):
    visitor.log_in("operator")
    visitor.open(f"/jobs/{held}/")
    visitor.click("Cancel")
    visitor.click("No, go back")

    visitor.until(lambda: visitor.path == f"/jobs/{held}/", what="the job's page")
    assert hive.job(held)["state"] == "running"


def test_a_queue_is_paused_and_resumed(visitor, held):
    queue = "#queue-background"
    state = lambda: visitor.read(f"{queue} .state")  # noqa: E731
    visitor.log_in("operator")
    visitor.open("/queues/")

    visitor.find(f"{queue} a[href*='/pause/']").click()
    visitor.sees("wait there, of 1 job.")
    visitor.click("Pause")
    visitor.until(lambda: state() == "paused", what="a paused queue")
    visitor.sees("Nothing leaves until somebody resumes it.")
    visitor.open("/")
    visitor.sees("background is paused")
    visitor.open("/queues/")
    visitor.find(f"{queue} [action$='/resume/'] button").click()

    visitor.until(lambda: state() == "open", what="an open queue")
    visitor.is_told("live")
    assert state() == "open"


def test_what_is_frozen_stays_as_it_is_and_goes_on_with_the_newest(visitor, held, marks, hive):
    visitor.log_in("viewer")
    visitor.open(f"/jobs/{held}/")
    visitor.until(lambda: counts(visitor).get("running") == "6", what="what runs")

    with visitor.stays():
        visitor.press("f")
        visitor.is_told("frozen")
        before = counts(visitor)
        marks.go()
        assert hive.wait(held, 60)["state"] == "succeeded"
        visitor.until(lambda: "held" in visitor.read("[data-chip]"), what="news that is held")
        assert counts(visitor) == before
        visitor.press("f")
        visitor.until(lambda: counts(visitor) == {"succeeded": "46"}, what="the newest")
        visitor.is_told("live")


def test_the_drawer_of_a_subtask_says_why_it_failed(visitor, hive):
    job = hive.submit("odd.give_up", [1])["id"]
    hive.wait(job, 30)
    visitor.log_in("viewer")
    visitor.open(f"/jobs/{job}/")

    with visitor.stays():
        visitor.click("#0")
        visitor.until(lambda: "it is of no use" in visitor.read("[data-drawer]"), what="why")
        assert visitor.path == f"/jobs/{job}/subtasks/0/"
        visitor.press(Keys.ESCAPE)
        visitor.until(lambda: visitor.path == f"/jobs/{job}/", what="the job's page again")
