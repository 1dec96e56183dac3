"""The eyes of the visitor: what they would miss, no other test here would find."""

import pytest

PAGE = "data:text/html,<!doctype html><meta name=viewport content='width=device-width'>{}"


@pytest.mark.parametrize(
    ("page", "faint"),
    [
        ("<p style='color:%23777'>faint", ["faint"]),
        ("<p style='color:%23767676'>enough", []),
        ("<p style='color:%23949494; font-size:24px'>large", []),
        ("<p style='color:rgb(0 0 0 / .3)'>glassy", ["glassy"]),
        ("<p style='opacity:.3'>faded", ["faded"]),
        ("<div style='background:oklch(0.3 0 0)'><p>dark on dark</div>", ["dark on dark"]),
        ("<p style='color:white; visibility:hidden'>hidden", []),
        ("<p style='position:absolute; width:1px; height:1px; overflow:hidden; color:white'>x", []),
        ("<input value=typed style='color:%23ccc; background:white'>", ["typed"]),
        ("<svg><text y=20 fill=%23ddd>drawn</text></svg>", ["drawn"]),
    ],
)
def test_what_is_faint_is_seen_as_faint(visitor, page, faint):
    visitor.open(PAGE.format(page))

    assert [problem["text"] for problem in visitor.contrast_problems()] == faint


def test_in_the_dark_the_ground_of_a_bare_page_is_dark(visitor):
    visitor.dark()

    visitor.open(PAGE.format("<style>:root { color-scheme: light dark }</style><p>bare"))

    assert visitor.contrast_problems() == []


def test_what_is_wider_than_a_phone_is_seen(visitor):
    visitor.phone()

    visitor.open(PAGE.format("<pre style='width:600px'>wide</pre>"))
    assert visitor.overflow()

    visitor.open(PAGE.format("<div style='overflow-x:auto'><pre style='width:600px'>wide</div>"))
    assert visitor.overflow() == []


def test_an_error_in_the_console_is_heard_unless_it_was_expected(visitor):
    visitor.driver.execute_script("setTimeout(() => { throw new Error('ouch') })")

    visitor.until(visitor.complaints, what="the error to be told")
    visitor.expect("ouch")

    assert visitor.complaints() == []
