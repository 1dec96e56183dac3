"""Light or dark, moving or calm: as the visitor likes it."""

import pytest

GROUND = "return getComputedStyle(document.body).backgroundColor"
RESTLESS = """
return [...document.querySelectorAll("*")].filter((each) => {
  const style = getComputedStyle(each);
  return style.animationName !== "none" || parseFloat(style.transitionDuration) > 0;
}).map((each) => each.outerHTML.slice(0, 80));
"""


def is_dark(visitor):
    """Whether the ground of the page is dark."""
    channels = visitor.driver.execute_script(GROUND).strip("rgba()").split(",")
    return sum(float(channel) for channel in channels[:3]) < 3 * 80


@pytest.mark.parametrize("path", ["/", "/admin/"])
def test_the_pages_are_as_the_system_likes_it(visitor, path):
    visitor.log_in("admin")
    visitor.open(path)
    visitor.light()
    assert not is_dark(visitor)

    with visitor.stays():
        visitor.dark()
        assert is_dark(visitor)


def test_the_switch_outdoes_the_system_and_is_kept(visitor):
    visitor.light()
    visitor.log_in("admin")
    switch = visitor.find("[data-theme-switch]")
    assert switch.get_attribute("title") == "Theme: system"

    switch.click()
    assert (switch.get_attribute("title"), is_dark(visitor)) == ("Theme: light", False)
    switch.click()
    assert (switch.get_attribute("title"), is_dark(visitor)) == ("Theme: dark", True)
    visitor.open("/jobs/")
    assert is_dark(visitor)
    visitor.open("/admin/")
    assert is_dark(visitor)
    visitor.open("/")
    visitor.find("[data-theme-switch]").click()

    assert not is_dark(visitor)


@pytest.mark.parametrize("path", ["/", "/jobs/", "/queues/"])
def test_nothing_moves_for_whoever_likes_it_calm(visitor, path):
    visitor.log_in("viewer")
    visitor.calm()
    visitor.open(path)
    visitor.rest()

    assert visitor.driver.execute_script(RESTLESS) == []
