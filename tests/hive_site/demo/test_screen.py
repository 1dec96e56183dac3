"""What people see of a run."""

from io import StringIO

import pytest
from rich.console import Console

from hive_site.demo.screen import (
    LiveScreen,
    PlainScreen,
    first_sentence,
    shorten,
    show_outcome,
    title_of,
)
from hive_site.demo.story import Outcome, Scene

DAY = "2026-11-24T10:00:"


def scene(succeeded=0, failed=0, *, killed="", nodes=(), results=()):
    progress = {"total": 3, "succeeded": succeeded, "failed": failed}
    return Scene({"progress": progress}, list(results), list(nodes), killed)


def node(name, state="online", work=()):
    return {"name": name, "state": state, "work": list(work)}


def row(index, **changes):
    summary = {"summary": "Bees dance. They also\nmake honey."}
    times = {"started_at": f"{DAY}00+00:00", "finished_at": f"{DAY}01.5+00:00"}
    plain = {"index": index, "state": "succeeded", "node": "spore-1", "result": summary}
    return {**plain, **times, "error": None, **changes}


def drawn(*scenes):
    """What is on a terminal of 100 columns after these scenes."""
    console = Console(file=StringIO(), width=100, force_terminal=True, color_system=None)
    with LiveScreen(console, {0: "Bees: a history", 1: "Honey"}) as screen:
        for one in scenes:
            screen.show(one)
    return console.file.getvalue()


def test_a_log_gets_a_line_for_each_change_and_none_for_none(capsys):
    screen = PlainScreen()
    with screen:
        for one in (scene(0), scene(0), scene(1), scene(1, 1), scene(1, 1)):
            screen.show(one)

    assert capsys.readouterr().out.splitlines() == [
        "· 0 of 3 articles done",
        "· 1 of 3 articles done",
        "· 2 of 3 articles done",
    ]


def test_a_log_tells_once_who_was_killed(capsys):
    screen = PlainScreen()
    for one in (scene(1), scene(1, killed="spore-2"), scene(1, killed="spore-2")):
        screen.show(one)

    said = capsys.readouterr().out
    assert said.count("killed spore-2 with SIGKILL") == 1


def test_a_quiet_screen_says_nothing(capsys):
    screen = PlainScreen(quiet=True)
    screen.say("hello")
    screen.show(scene(1, killed="spore-2"))

    assert capsys.readouterr().out == ""


def test_a_terminal_shows_each_spore_with_what_it_does():
    working = [{"index": 0, "reduce": False}]
    reducing = [{"index": 3, "reduce": True}]

    text = drawn(
        scene(
            1,
            nodes=[node("spore-1", work=working), node("spore-2"), node("spore-3", work=reducing)],
            results=[row(1)],
        )
    )

    lines = {line.split()[1]: line for line in text.splitlines() if "spore-" in line}
    assert "1 done" in lines["spore-1"]
    assert "Bees: a history" in lines["spore-1"]
    assert "idle" in lines["spore-2"]
    assert "writing the digest" in lines["spore-3"]
    assert "1/2" in text


def test_a_terminal_shows_the_dead_as_dead_even_before_they_are_missed():
    text = drawn(scene(1, killed="spore-1", nodes=[node("spore-1", work=[{"index": 0}])]))

    assert "✗ spore-1" in text
    assert "killed with SIGKILL" in text


def test_an_article_without_a_title_does_not_spoil_the_picture():
    work = [{"index": 9, "reduce": False}]

    assert "?" in drawn(scene(nodes=[node("spore-1", work=work)]))


def outcome_of(*rows, state="succeeded"):
    done = sum(1 for r in rows if r["state"] == "succeeded")
    job = {"state": state, "progress": {"total": len(rows), "succeeded": done, "failed": 0}}
    return Outcome(job, list(rows), busy=12.0, wall=4.0, spores=["spore-1", "spore-2"])


def table(outcome, width=100):
    console = Console(file=StringIO(), width=width)
    show_outcome(console, outcome, {0: "Bees: a history", 1: "A name longer than its column"})
    return console.file.getvalue()


def test_the_table_shows_who_read_what_and_what_was_measured():
    text = table(outcome_of(row(0), row(1)))

    first = next(line for line in text.splitlines() if "Bees" in line)
    assert "spore-1" in first
    assert "1.50" in first
    assert "Bees dance." in first
    assert "honey" not in text  # the first sentence only
    assert "2/2 articles in 4.0 s on 2 Spores" in text
    assert "3.0× as fast" in text


def test_the_table_says_why_an_article_is_missing():
    failed = row(
        1, state="failed", node=None, result=None, error={"message": "404"}, started_at=None
    )

    text = table(outcome_of(row(0), failed, state="partial"))

    assert "failed: 404" in text
    assert "1/2 articles" in text


@pytest.mark.parametrize("width", [40, 80, 200])
def test_no_line_of_the_table_is_broken(width):
    long = row(0, result={"summary": "Bees [bold]dance[/] " * 50})

    lines = table(outcome_of(long), width=width).splitlines()

    assert len([line for line in lines if "Bees" in line]) == 1


def test_a_title_that_looks_like_markup_is_a_title():
    console = Console(file=StringIO(), width=100)

    show_outcome(console, outcome_of(row(0), row(1)), {0: "[/] bees", 1: "[red]honey"})

    assert "[/] bees" in console.file.getvalue()
    assert "[red]honey" in console.file.getvalue()


def test_what_is_cut_shows_that_it_was():
    assert shorten("honey", 5) == "honey"
    assert shorten("honeycomb", 5) == "hone…"


def test_a_sentence_ends_at_its_stop():
    assert first_sentence(row(0, result={"summary": "Is it 3.5? Yes.\nIt is."})) == "Is it 3.5?"


@pytest.mark.parametrize(
    ("url", "title"),
    [
        ("http://b.example/a/bees", "a/bees"),
        ("http://b.example/", "b.example"),
        ("http://b.example", "b.example"),
    ],
)
def test_an_address_makes_a_title(url, title):
    assert title_of(url) == title
