"""What a node must get out of again: safe mode, wrong clocks, forbidden releases, wrong use."""

from dataclasses import replace

import pytest

from ota.domain.install.events import (
    Exited,
    Leave,
    Live,
    NotStaged,
    Probed,
    Staged,
    StartAgent,
    StartStager,
    Told,
    Unready,
    Warm,
)
from ota.domain.install.state import State
from ota.domain.states import Phase
from tests.ota.domain.install.node import OWN_SLOT, A, B, C, Node, slot, wanted

DEATH = Exited(1, "exit code 1")


@pytest.fixture
def node():
    return Node().run()


@pytest.fixture
def safe(node):
    """B failed, and so did A, which ran before."""
    node.commit(A)
    node.stage(B, rev=2, seq=2)
    node.tell(Live())
    node.tell(Probed(ok=False, reason="no"))
    for _ in range(3):
        node.tell(DEATH)
    assert node.state.safe
    node.told.clear()
    return node


class TestSafeMode:
    @pytest.mark.parametrize("staged", [False, True])
    def test_another_death_of_the_old_one_does_not_stop_what_is_brought_here(self, safe, staged):
        safe.tell(Told(wanted(C, rev=5, activate=not staged)))
        if staged:
            safe.tell(Staged(slot(C, 3)))
        safe.tick(6)
        assert safe.did(StartAgent)

        safe.tell(DEATH)
        if not staged:
            safe.tell(Staged(slot(C, 3)))
        safe.tell(Warm())
        safe.tell(Told(wanted(C, rev=6)))

        assert safe.state.active == slot(C, 3)

    def test_nor_does_its_recovery(self, safe):
        safe.tell(Told(wanted(C, rev=5)))
        safe.tick(6)

        safe.prove()

        assert (safe.state.safe, safe.state.phase) == (False, Phase.STAGING)
        safe.tell(Staged(slot(C, 3)))
        safe.tell(Warm())
        assert safe.state.active == slot(C, 3)

    def test_what_does_not_run_is_never_called_healthy_but_tried_at_once(self, safe):
        safe.tell(Told(wanted(A, rev=5)))
        safe.tick()

        assert (safe.state.attempt.code, safe.state.rev) == ("safe", 5)
        assert safe.did(StartAgent) == [StartAgent(slot(A), probed=True)]


class TestClocks:
    """A clock that was ahead by decades, and is right again."""

    def test_what_was_to_be_fetched_later_is_fetched_now(self, node):
        node.wall = 4e9
        node.tell(Told(wanted(A)))
        node.tell(NotStaged("download", "away", permanent=False))
        node.told.clear()

        node.wall = 1000.0
        node.tell(Told(wanted(A)))

        assert node.did(StartStager)

    def test_what_was_to_rest_for_six_hours_may_be_tried_again(self, node):
        node.wall = 4e9
        node.stage(A)
        node.tell(Live())
        node.tell(Probed(ok=False, reason="no"))
        node.prove()
        node.told.clear()

        node.wall = 1000.0
        node.tell(Told(wanted(A, rev=9)))

        assert node.did(StartStager)

    def test_crashes_of_that_time_count_no_more(self, node):
        node.wall = 4e9
        node.commit(A)
        for wall in (4e9, 4e9, 1000.0):
            node.wall = wall
            node.prove()
            node.tell(DEATH)
            node.tick(60)

        assert node.state.active == slot(A)


class TestForbiddenReleases:
    @pytest.fixture
    def raised(self, node):
        return node.commit(A, seq=1).commit(B, rev=2, seq=5, floor=5)

    def test_what_lies_ready_is_left_to_the_stager_who_refuses_it(self, raised):
        raised.tell(Told(wanted(A, rev=3)))

        assert raised.did(StartStager)

    def test_crashes_do_not_bring_one_back(self, raised):
        for _ in range(4):
            raised.tick(60)
            raised.prove()
            raised.tell(DEATH)

        assert raised.state.active == slot(B, 5, 5)


class TestStarts:
    @pytest.mark.parametrize("phase", [Phase.IDLE, Phase.TRIAL])
    def test_wrong_use_is_no_fault_of_a_release_and_ends_the_launcher(self, phase):
        state = State(slot(A), previous=OWN_SLOT, committed_at=900.0, phase=phase, tries_left=2)
        node = Node(replace(state, wanted=wanted(A))).start()

        node.tell(Exited(2, "exit code 2: rqworker: --slots 0", misused=True))

        assert node.did(Leave) == [Leave(2)]
        assert node.state.active == slot(A)

    def test_who_worked_for_long_is_started_again_at_once(self, node):
        for _ in range(9):
            node.tell(DEATH)
            node.tick(60)
            node.prove()
        node.tick(3600)
        node.told.clear()

        node.tell(DEATH)
        node.tick()

        assert node.did(StartAgent)

    def test_one_that_is_started_anew_at_the_switch_has_its_deadline(self, node):
        node.stage(A)

        node.tell(Unready())
        node.tick(31)

        assert node.state.attempt.code == "deadline"
