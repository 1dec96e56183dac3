"""Everything by keys."""

import pytest
from selenium.webdriver.common.keys import Keys

LANDMARK = """
const at = document.activeElement;
return at.closest(".rail, .top, main")?.className || at.closest("main")?.localName || "";
"""
RING = """
const style = getComputedStyle(document.activeElement);
return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
"""
MANY = 40


@pytest.fixture(scope="module")
def job(colony):
    """A job of twelve subtasks that was done."""
    job = colony.hive.submit("demo.echo", list(range(12)))["id"]
    colony.hive.wait(job, 30)
    return job


@pytest.fixture
def inside(visitor):
    """A visitor before the overview."""
    visitor.log_in("viewer")
    visitor.is_told("live")
    return visitor


def is_at(visitor, path):
    visitor.until(lambda: visitor.path == path, what=f"to be at {path}")


def test_tab_goes_by_rail_and_search_to_what_the_page_is_about(inside):
    walked = []
    for _ in range(MANY):
        inside.press(Keys.TAB)
        assert inside.driver.execute_script(RING), inside.focused.get_attribute("outerHTML")
        place = inside.driver.execute_script(LANDMARK)
        if place and place not in walked:
            walked.append(place)
        if place == "main":
            break

    assert walked == ["rail", "top", "main"]


def test_the_first_tab_leads_past_the_rail(inside):
    inside.press(Keys.TAB)
    assert inside.focused.text == "Skip to the page"
    inside.press(Keys.ENTER)
    inside.press(Keys.TAB)

    assert inside.driver.execute_script(LANDMARK) == "main"


def test_a_slash_leads_to_the_search_which_finds(inside):
    inside.press("/")
    inside.until(lambda: inside.focused.get_attribute("id") == "search", what="the search")
    inside.press("spore-1", Keys.ENTER)

    is_at(inside, "/nodes/spore-1/")


@pytest.mark.parametrize(
    ("key", "path"),
    [("n", "/nodes/"), ("j", "/jobs/"), ("q", "/queues/"), ("r", "/rollouts/")],
)
def test_g_and_a_letter_go_to_a_page_and_back(inside, key, path):
    inside.press("g", key)
    is_at(inside, path)
    inside.until(lambda: inside.find("html.scripted"), what="a page that hears keys")
    inside.press("g", "o")

    is_at(inside, "/")


def test_j_and_k_walk_the_jobs_and_enter_opens_one(inside, job):
    inside.open("/jobs/")
    inside.until(lambda: inside.find("html.scripted"), what="a page that hears keys")
    first = inside.find("[data-walk] > [data-key]").get_attribute("data-key")

    inside.press("j", "j", "k")
    inside.press(Keys.ENTER)

    is_at(inside, f"/jobs/{first}/")


def test_a_question_mark_shows_the_keys_and_escape_hides_them(inside):
    inside.press("?")
    inside.sees("next row, row before")
    inside.press(Keys.ESCAPE)

    inside.sees_no("next row, row before")


def test_arrows_walk_the_nodes_and_enter_opens_one(inside):
    inside.find("[data-matrix] canvas").send_keys(Keys.ARROW_RIGHT)
    name = inside.read("[data-readout] strong")
    inside.press(Keys.ENTER)

    is_at(inside, f"/nodes/{name}/")


def test_f_freezes_and_goes_on(inside):
    inside.press("f")
    inside.is_told("frozen")
    inside.press("f")

    inside.is_told("live")
