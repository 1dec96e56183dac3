"""The glossary and the page of states have every state word of the code, and no other."""

import re
from enum import StrEnum

import pytest

from hive_site.configuration import PROJECT
from jobs.domain.delivery import DeliveryState
from jobs.domain.states import JobState, Outcome, SubtaskState
from nodes.domain.states import NodeState
from ota.domain.states import DeploymentState, Phase, ReleaseState, RolloutState, WaveState

GLOSSARY = (PROJECT / "docs" / "guide" / "glossary.md").read_text()
STATES = (PROJECT / "docs" / "states.md").read_text()
#: What a row of the glossary is called, and the heading under which the states page has it.
WORDS: dict[str, tuple[type[StrEnum], str]] = {
    "job": (JobState, "## Job"),
    "subtask": (SubtaskState, "## Subtask"),
    "attempt": (Outcome, "### What an attempt's end means"),
    "node": (NodeState, "## Node"),
    "release": (ReleaseState, "## Release"),
    "rollout": (RolloutState, "## Rollout"),
    "wave": (WaveState, "## Rollout"),
    "deployment": (DeploymentState, "### Deployment"),
    "home": (Phase, "## Home"),
    "delivery": (DeliveryState, "## Delivery"),
}
#: What the design names the parts.
TERMS = (
    *("Nexus", "Foreman", "Spore", "node", "job", "subtask", "attempt", "bundle", "task"),
    *("release", "rollout", "wave", "slot", "agent", "launcher", "workflow", "reduction"),
)


def section(heading):
    """What the page of states says under a heading."""
    _, _, rest = STATES.partition(f"\n{heading}\n")
    level = heading.partition(" ")[0]
    return re.split(rf"^#{{1,{len(level)}}} ", rest, flags=re.M)[0]


@pytest.mark.parametrize("of", WORDS)
def test_the_glossary_has_the_words_of_the_code(of):
    kind, _ = WORDS[of]
    [row] = re.findall(rf"^\| \[{of}\].*$", GLOSSARY, re.M)

    assert sorted(re.findall(r"`(\w+)`", row)) == sorted(kind)


@pytest.mark.parametrize("of", WORDS)
def test_the_page_of_states_has_the_words_of_the_code(of):
    kind, heading = WORDS[of]

    assert {word for word in kind if f"`{word}`" not in section(heading)} == set()


@pytest.mark.parametrize("term", TERMS)
def test_the_glossary_has_every_term(term):
    assert f"| **{term}** |" in GLOSSARY


def test_the_glossary_is_in_order():
    terms = re.findall(r"^\| \*\*(.+?)\*\*", GLOSSARY, re.M)

    assert terms == sorted(terms, key=str.lower)
