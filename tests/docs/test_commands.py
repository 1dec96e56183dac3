"""Commands that documents show are there, with their options; the reference has all of them."""

import re
import shlex
from itertools import takewhile

import pytest

from docs.reference.commands import parsers
from docs.reference.pages import COMMANDS, draw_pages
from hive_site.configuration import PROJECT
from tests.documents import blocks_of, documents, name_of, parse

PARSERS = {name: parser for name, parser, _ in parsers()}
#: There, but not for people: neither in `--help` nor in the reference.
HIDDEN = {"hive prepare"}
#: A command of the project: what it is called by, then its words.
CALL = re.compile(
    r"(?:manage\.py|^|(?<=[`(|;&] )|(?<=[`(]))\s*((?:hive|ota|rqworker|foreman)(?=\s|$).*)"
)
#: What a verb looks like; placeholders and values do not.
VERB = re.compile(r"[a-z][a-z-]*")
TARGET = re.compile(r"\bmake ([a-z]+)\b")
TARGETS = set(re.findall(r"^([a-z]+):", (PROJECT / "Makefile").read_text(), re.M))
#: Words of prose that follow "make".
PROSE = {"it", "up", "a", "the", "one", "of", "them", "what", "sure", "room", "tables"}


def spans(document):
    """The commands of a document: lines of blocks, and what stands in backquotes."""
    for block in blocks_of(document):
        if block.kind == "sh":
            yield from re.sub(r"\\\n\s*", " ", block.text).splitlines()
    for token in parse(document):
        for child in token.children or ():
            if child.type == "code_inline":
                yield child.content


def calls(document):
    """Each command of ours as words."""
    for span in spans(document):
        code = re.sub(r"\s#\s.*", "", span)
        if found := CALL.search(code):
            yield split(re.split(r"[|;&>)]|\s\d>", found[1])[0])


def split(text):
    try:
        return shlex.split(text)
    except ValueError:  # an apostrophe of prose
        return text.split()


def complaint(words):
    """What is wrong with a command; empty if nothing is, or if it is none of ours."""
    verbs = list(takewhile(VERB.fullmatch, words))
    names = [" ".join(verbs[:count]) for count in range(len(verbs), 0, -1)]
    name = next((name for name in names if name in PARSERS), "")
    if not name:
        called = " ".join(verbs)
        known = called in HIDDEN or any(each.startswith(f"{called} ") for each in PARSERS)
        return "" if known else f"{called!r} is no command"
    flags = [word.partition("=")[0].rstrip(",.") for word in words if word.startswith("--")]
    known = set(PARSERS[name]._option_string_actions)
    return ", ".join(f"{name} has no {flag}" for flag in flags if flag not in known)


@pytest.mark.parametrize("document", documents(), ids=name_of)
def test_commands_that_are_shown_are_there(document):
    assert [found for words in calls(document) if (found := complaint(words))] == []


@pytest.mark.parametrize("document", documents(), ids=name_of)
def test_targets_of_make_that_are_shown_are_there(document):
    named = {target for span in spans(document) for target in TARGET.findall(span)}

    assert named - PROSE - TARGETS == set()


def test_the_reference_of_commands_is_what_the_commands_are():
    assert COMMANDS.read_text() == draw_pages()[COMMANDS], "`make reference` writes it anew"


@pytest.mark.parametrize(
    ("shown", "wrong"),
    [
        ("python manage.py hive submit demo.echo --items - --wait 3", ""),
        ("python manage.py hive sumbit demo.echo", "is no command"),
        ("echo x | python manage.py hive submit --itms -", "hive submit has no --itms"),
        ("ota status ROLLOUT", ""),
        ("HIVE_X=1 .venv/bin/python manage.py rqworker --slot 4", "rqworker has no --slot"),
    ],
)
def test_a_wrong_command_is_noticed(tmp_path, shown, wrong):
    found = CALL.search(shown)

    said = complaint(split(found[1]))

    assert wrong in said
    assert bool(wrong) == bool(said)
