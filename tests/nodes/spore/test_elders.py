import pytest

from nodes.spore.elders import Elders
from nodes.spore.leash import NoLeash
from nodes.spore.orphans import Orphans
from nodes.spore.ward import DEFAULT_HANDOVER_SECONDS, Ward

WORKS = {
    "bundles": ["b1", "b2"],
    "running": [[7, 100.0, 0.5, "half", "b1"]],
    "held_mb": [[7, 300]],
}
NOTHING = {"bundles": [], "running": [], "held_mb": []}


class Line:
    """Knows what was popped."""

    def __init__(self, *popped):
        self.popped, self.discarded = set(popped), []

    def sweep(self, bundles):
        return self.popped - bundles

    def discard(self, bundle):
        self.discarded.append(bundle)


@pytest.fixture
def elders():
    elders = Elders()
    elders.become([WORKS])
    return elders


def sweep(orphans, line, now, *mine):
    return orphans.sweep(line, set(mine), now=now, clock=200.0)


def test_what_elders_run_is_told_as_rows_of_a_heartbeat(elders):
    assert elders.running() == [(7, 100.0, 0.5, "half")]
    assert elders.held_mb == [(7, 300)]
    assert elders.bundles == {"b1", "b2"}


def test_the_newest_word_replaces_the_last(elders):
    elders.become([NOTHING])

    assert (elders.running(), elders.held_mb, len(elders)) == ([], [], 0)


@pytest.mark.parametrize(
    "told",
    [None, 3, "x", [{}], [{**WORKS, "running": [[7, 1.0]]}], [{**WORKS, "held_mb": [["x", 1]]}]],
)
def test_a_word_that_makes_no_sense_changes_nothing(elders, told):
    elders.become(told)

    assert elders.running() == [(7, 100.0, 0.5, "half")]


def test_what_an_elder_has_is_no_orphan(elders):
    orphans, line = Orphans(elders), Line("b1", "b2", "mine")

    assert [sweep(orphans, line, now, "mine") for now in (0, 10, 20)] == [[], [], []]


def test_a_dead_elders_bundles_are_mourned_or_handed_back_after_two_looks_and_some_time(elders):
    orphans, line = Orphans(elders), Line("b1", "b2")
    elders.become([])

    early = [sweep(orphans, line, now) for now in (0, 0.1, 2.9)]
    late = sweep(orphans, line, 3.0)

    assert early == [[], [], []]
    died = {"k": "died", "a": 7, "why": "handover", "how": "the agent that ran it died"}
    assert late == [
        {"bundle": "b1", "events": [{**died, "t0": 100.0, "t1": 200.0}]},
        {"bundle": "b2", "events": [{"k": "back", "all": True}]},
    ]


def test_what_an_elder_finished_is_not_mourned(elders):
    orphans = Orphans(elders)
    elders.become([{**WORKS, "bundles": ["b2"], "running": []}])
    sweep(orphans, Line("b2"), 0)

    # The same name again can only be somebody else's.
    found = [sweep(orphans, Line("b1", "b2"), now) for now in (1, 9)]

    assert found == [[], [{"bundle": "b1", "events": [{"k": "back", "all": True}]}]]


def test_without_elders_two_looks_are_enough():
    orphans, line = Orphans(Elders()), Line("b1")

    assert [len(sweep(orphans, line, now)) for now in (0, 0.1)] == [0, 1]


def test_a_probe_that_was_left_behind_is_thrown_away_and_not_told():
    orphans, line = Orphans(Elders()), Line("spore-1-probe.1")

    assert [sweep(orphans, line, now) for now in (0, 0.1)] == [[], []]
    assert line.discarded == ["spore-1-probe.1"]


def test_elders_of_an_incarnation_that_was_given_up_count_no_more_until_there_are_others(elders):
    elders.disown()
    elders.become([WORKS])
    disowned = elders.running()
    elders.become([])
    elders.become([WORKS])

    assert disowned == []
    assert len(elders.running()) == 1


class Launcher(NoLeash):
    """Says what it is told to, and takes notes."""

    def __init__(self, *words):
        self.words, self.said = list(words), []

    def hear(self, seconds=0.0):
        words, self.words = self.words, []
        return words

    def say(self, word, what):
        self.said.append((word, what))


def heeding(*words):
    ward = Ward(Launcher(*words))
    ward.heed()
    return ward


def test_an_agent_that_may_go_learns_of_its_elders():
    ward = heeding(("tick", 1), ("go", {"elders": [WORKS]}))

    assert (ward.may_go, ward.goes_anew, len(ward.elders)) == (True, False, 2)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ({"seconds": 5}, 5.0),
        ({"seconds": 0}, 0.0),
        ({}, DEFAULT_HANDOVER_SECONDS),
        ({"seconds": "x"}, DEFAULT_HANDOVER_SECONDS),
        ({"seconds": -1}, DEFAULT_HANDOVER_SECONDS),
    ],
)
def test_a_retired_agent_knows_how_long_it_may_go_on(said, seconds):
    assert heeding(("retire", said)).retires_within == seconds


@pytest.mark.parametrize(
    "word", [("retire", None), ("go", 1), ("ota", []), ("dance", {}), ("ota", {"x": "y" * 9000})]
)
def test_words_that_make_no_sense_change_nothing(word):
    ward = heeding(word)

    assert (ward.may_go, ward.retires_within, ward.shown) == (False, None, {})


def test_a_revision_that_grew_is_hinted_once_and_an_urgent_hint_always():
    ward = heeding()

    for revision in (None, 0, 3, 3, 2, "9", 4):
        ward.hint(revision)
    ward.hint(None, urgent=True)

    said = [("hint", {"rev": 3}), ("hint", {"rev": 4}), ("hint", {"rev": 4})]
    assert ward.leash.said == said
