import re
from pathlib import Path

import pytest

from jobs.domain.states import (
    JOB_OPEN,
    JOB_TERMINAL,
    OPEN,
    TERMINAL,
    JobState,
    OnError,
    Outcome,
    SubtaskState,
)
from nodes.domain.states import Intent, NodeState

PAGE = (Path(__file__).parents[3] / "docs" / "states.md").read_text()
SECTIONS = dict(re.findall(r"^##+ (.+?)\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL))


def described(section):
    """The words that have a row of their own, and what their rows say."""
    return dict(re.findall(r"^\| `(\w+)` \|(.+)$", SECTIONS[section], re.MULTILINE))


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ("Subtask", SubtaskState),
        ("What an attempt's end means", Outcome),
        ("Job", JobState),
        ("Node", NodeState),
    ],
)
def test_the_page_of_states_describes_every_word_and_no_other(section, words):
    assert described(section).keys() == set(words)


@pytest.mark.parametrize(("section", "last"), [("Subtask", TERMINAL), ("Job", JOB_TERMINAL)])
def test_the_page_of_states_says_which_are_terminal(section, last):
    assert {word for word, says in described(section).items() if "**terminal.**" in says} == last


@pytest.mark.parametrize("word", [*OnError, *Intent])
def test_the_page_of_states_mentions_every_choice(word):
    assert word in PAGE


@pytest.mark.parametrize(
    ("words", "open_", "last"), [(SubtaskState, OPEN, TERMINAL), (JobState, JOB_OPEN, JOB_TERMINAL)]
)
def test_a_state_is_open_or_terminal_and_never_both(words, open_, last):
    assert open_ | last == set(words)
    assert not open_ & last
