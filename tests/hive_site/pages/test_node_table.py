"""What the table of nodes decides: which rows, in which order, on which page."""

import pytest

from hive_site.pages.node_table import PER_PAGE, Wish, choose, columns, read_wish


def row(name, **also):
    return {
        **{"name": name, "state": "online", "reason": "", "release": "1.0", "labels": {}},
        **{"slots": 4, "running": 1, "cpu": 0.5, "memory": 0.2, "last_seen": None},
    } | also


def names(rows, **wish):
    return [each["name"] for each in choose(rows, Wish(**wish)).rows]


def test_filters_narrow_together():
    rows = [
        row("a", labels={"site": "paris"}),
        row("b", labels={"site": "paris"}, state="lost"),
        row("c", labels={"site": "rome"}, state="lost"),
        row("d", state="lost"),
    ]

    assert names(rows, state="lost") == ["b", "c", "d"]
    assert names(rows, label="site") == ["a", "b", "c"]
    assert names(rows, label="site=paris", state="lost") == ["b"]


def test_words_are_found_in_name_reason_and_release():
    rows = [row("spore-1"), row("x", reason="no SPORE here"), row("y", release="spore"), row("z")]

    assert names(rows, text="Spore") == ["spore-1", "x", "y"]


def test_equals_are_sorted_by_name():
    rows = [row("b", cpu=0.9), row("a", cpu=0.9), row("c", cpu=0.1)]

    assert names(rows, sort="-cpu") == ["a", "b", "c"]
    assert names(rows, sort="cpu") == ["c", "a", "b"]


def test_a_page_has_a_hundred_rows_and_none_is_beyond_the_last():
    rows = [row(f"n{n:04}") for n in range(250)]

    page = choose(rows, Wish(page=99))

    assert (page.number, page.pages, page.found, len(page.rows)) == (3, 3, 250, 50)
    assert len(choose(rows, Wish()).rows) == PER_PAGE


@pytest.mark.parametrize("page", ["", "x", "-1", "0", "9" * 30, "²"])
def test_what_is_no_page_is_the_first(page):
    assert choose([row("a")], read_wish({"page": page})).number == 1


def test_what_nobody_can_sort_by_is_sorted_by_name():
    assert read_wish({"sort": "__class__"}).sort == "name"


def test_the_head_of_the_sorted_column_turns_it_around():
    assert columns(Wish(sort="cpu"))["cpu"] == {"to": "-cpu", "now": "ascending"}
    assert columns(Wish(sort="-cpu"))["cpu"] == {"to": "cpu", "now": "descending"}
    assert columns(Wish(sort="-cpu"))["name"] == {"to": "name", "now": "none"}
