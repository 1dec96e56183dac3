"""A job's page at work: its grid, its drawer, and what comes in while one looks."""

from selenium.webdriver.common.keys import Keys

SELECTED = "dialog.drawer[open]"


def test_arrows_walk_through_the_grid_and_enter_opens_a_subtask(visitor, hive):
    job = hive.submit("demo.echo", list(range(300)))
    hive.job(job, wait=30)
    visitor.log_in("viewer")
    visitor.open(f"/jobs/{job.id}/")
    canvas = visitor.find("canvas[data-paint]")

    canvas.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ENTER)

    visitor.find(SELECTED)
    visitor.until(lambda: visitor.path == f"/jobs/{job.id}/subtasks/2/", what="its address")
    visitor.press(Keys.ESCAPE)
    visitor.until(lambda: visitor.path == f"/jobs/{job.id}/", what="the job's address again")


def test_a_state_in_the_legend_shows_only_what_is_in_it(visitor, hive):
    job = hive.submit("demo.fail", ["no bees"] * 3, retries=0)
    hive.job(job, wait=30)
    visitor.log_in("viewer")
    visitor.open(f"/jobs/{job.id}/")

    visitor.find("canvas[data-paint]")
    visitor.find("[data-byte='6']").click()

    visitor.sees("all subtasks")
    assert visitor.path.endswith("?tab=grid&state=failed")


def test_a_job_that_ends_offers_other_verbs_while_one_looks(visitor, hive):
    job = hive.submit("demo.sleep", [600] * 2)
    visitor.log_in("operator")
    visitor.open(f"/jobs/{job.id}/")
    visitor.sees("Pause")

    job.cancel()

    visitor.sees_no("Pause")
    visitor.sees("Retry failed")


def test_a_job_that_is_submitted_meanwhile_waits_to_be_asked_for(visitor, hive):
    hive.map("demo.echo", [1])
    visitor.log_in("viewer")
    visitor.open("/jobs/")
    visitor.sees("live")

    job = hive.submit("demo.echo", [2])
    visitor.click("1 new, show")

    visitor.sees(job.id)
