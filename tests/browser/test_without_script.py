"""Every page says what it has to say without JavaScript; it only does not go on by itself."""

import pytest


@pytest.fixture
def reader(visitor):
    """Somebody whose browser runs no script, and who is in."""
    visitor.without_script()
    visitor.log_in("operator")
    return visitor


@pytest.fixture(scope="module")
def job(colony):
    """A job with a result and an error."""
    job = colony.hive.submit("odd.result", ["a plain text", "object"], retries=0)["id"]
    colony.hive.wait(job, 30)
    return job


def test_the_overview_shows_the_nodes_and_the_jobs(reader, job):
    reader.open("/")

    reader.sees("3 online")
    assert len(reader.driver.find_elements("css selector", "[data-matrix] a.cell")) == 3
    reader.sees(job)


def test_the_nodes_are_there(reader):
    reader.open("/nodes/")
    reader.click("spore-1")

    reader.until(lambda: reader.path == "/nodes/spore-1/", what="the node")
    reader.sees("online")


@pytest.mark.parametrize(
    ("tab", "text"),
    [
        ("grid", "a plain text"),
        ("timeline", "spore-"),
        ("results", "a plain text"),
        ("errors", "TypeError"),
        ("log", "log"),
        ("input", "odd.result"),
        ("events", "submitted"),
    ],
)
def test_every_tab_of_a_job_has_its_content(reader, job, tab, text):
    reader.open(f"/jobs/{job}/?tab={tab}")

    reader.sees(text)


def test_a_queue_is_paused_and_resumed(reader):
    reader.open("/queues/")
    reader.find("#queue-background a[href*='/pause/']").click()
    reader.click("Pause")
    reader.until(lambda: reader.read("#queue-background .state") == "paused", what="it paused")
    reader.find("#queue-background [action$='/resume/'] button").click()

    reader.until(lambda: reader.read("#queue-background .state") == "open", what="it open")
