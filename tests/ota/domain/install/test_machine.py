"""The machine of one node, event by event."""

from dataclasses import replace

import pytest

from ota.domain.install.events import (
    Clean,
    Exited,
    HandOver,
    Leave,
    Live,
    NotStaged,
    NotWarm,
    Probed,
    Ready,
    Report,
    Staged,
    StartAgent,
    StartStager,
    StartWarm,
    StopAgent,
    StopStager,
    StopWarm,
    Told,
    Warm,
)
from ota.domain.install.rules import MOST_SAVES
from ota.domain.install.state import State
from ota.domain.states import Phase
from tests.ota.domain.install.node import OWN_SLOT, A, B, C, Node, slot, wanted


@pytest.fixture
def node():
    return Node().run()


class TestPreparing:
    def test_what_is_wanted_is_brought_here_while_the_old_one_runs(self, node):
        node.tell(Told(wanted(A)))

        assert node.did(StartStager) == [StartStager(wanted(A))]
        assert (node.state.phase, node.state.active) == (Phase.STAGING, OWN_SLOT)
        assert not node.did(StopAgent)

    def test_what_is_here_is_tried_out_behind_the_gate(self, node):
        node.tell(Told(wanted(A)))
        node.tell(Staged(slot(A)))

        assert node.did(StartWarm) == [StartWarm(slot(A))]
        assert (node.state.phase, node.state.active) == (Phase.STAGED, OWN_SLOT)

    def test_it_waits_for_its_turn(self, node):
        node.stage(activate=False)

        assert (node.state.phase, node.state.attempt.state) == (Phase.STAGED, "staged")
        assert not node.switched

    def test_the_word_to_activate_is_enough_then(self, node):
        node.stage(activate=False)

        node.tell(Told(wanted(A, rev=2)))

        assert node.switched
        assert len(node.did(StartStager)) == 1

    def test_a_release_that_cannot_start_is_never_switched_to(self, node):
        node.tell(Told(wanted(A)))
        node.tell(Staged(slot(A)))
        node.tell(NotWarm("SyntaxError: invalid syntax"))
        node.tick(10_000)
        node.tell(Told(wanted(A)))

        assert not node.switched
        assert (node.state.attempt.state, node.state.attempt.code) == ("failed", "preflight")
        assert "SyntaxError" in node.state.attempt.reason
        assert (node.state.phase, len(node.did(StartStager))) == (Phase.IDLE, 1)

    def test_what_cannot_be_fetched_is_fetched_again_later(self, node):
        node.tell(Told(wanted(A)))
        node.tell(NotStaged("download", "the Nexus is away", permanent=False))
        node.tell(Told(wanted(A)))
        at_once = len(node.did(StartStager))
        node.tick(61)
        node.tell(Told(wanted(A)))

        assert (at_once, len(node.did(StartStager))) == (1, 2)

    def test_what_is_refused_is_not_fetched_again_until_somebody_wants_it_anew(self, node):
        node.tell(Told(wanted(A)))
        node.tell(NotStaged("signature", "not signed"))
        node.tick(10_000)
        node.tell(Told(wanted(A)))
        before = len(node.did(StartStager))
        node.tell(Told(wanted(A, rev=2)))

        assert (before, len(node.did(StartStager))) == (1, 2)

    def test_a_newer_wish_takes_the_place_of_an_older_one(self, node):
        node.tell(Told(wanted(A)))
        node.tell(Told(wanted(B, rev=2)))
        node.tell(Staged(slot(A)))

        assert node.did(StopStager)
        assert node.did(StartStager)[-1].wanted.sha256 == B
        assert not node.did(StartWarm)

    def test_an_older_answer_changes_nothing(self, node):
        node.tell(Told(wanted(B, rev=5)))
        node.told.clear()

        node.tell(Told(wanted(A, rev=4)))

        assert node.told == []

    def test_what_is_wanted_no_more_is_dropped(self, node):
        node.stage(activate=False)

        node.tell(Told(None))

        assert node.did(StopWarm)
        assert (node.state.phase, node.state.pending) == (Phase.IDLE, None)

    def test_what_waits_too_long_behind_the_gate_is_started_anew_when_its_turn_comes(self, node):
        node.stage(activate=False)
        node.tick(121)
        stopped = len(node.did(StopWarm))
        node.tell(Told(wanted(A, rev=2)))
        node.tell(Warm())

        assert (stopped, len(node.did(StartWarm))) == (1, 2)
        assert node.switched

    def test_an_accident_behind_the_gate_is_not_the_end(self, node):
        node.stage(activate=False)
        node.tell(NotWarm("signal SIGKILL"))
        node.tell(Told(wanted(A, rev=2)))

        assert len(node.did(StartWarm)) == 2

    def test_what_runs_already_is_healthy(self, node):
        node.commit(A)

        node.tell(Told(wanted(A, rev=9)))

        assert node.state.attempt.state == "healthy"
        assert node.told == [Report()]

    def test_a_stager_that_takes_for_ever_is_given_up(self, node):
        node.tell(Told(wanted(A)))
        node.tick(1801)

        assert node.did(StopStager)
        assert node.state.attempt.code == "timed_out"


class TestTrial:
    def test_the_switch_is_one_change_of_the_state(self, node):
        node.stage()

        assert (node.state.active, node.state.previous) == (slot(A), OWN_SLOT)
        assert (node.state.phase, node.state.pending) == (Phase.TRIAL, None)
        assert node.did(HandOver) == [HandOver(60.0)]

    def test_a_heartbeat_a_probe_and_the_time_of_probation_prove_it(self, node):
        node.stage()
        node.tell(Live())
        node.tell(Probed(ok=True))
        node.tick(1.9)
        before = node.state.phase
        node.tick(0.2)

        assert (before, node.state.phase) == (Phase.TRIAL, Phase.IDLE)
        assert node.state.attempt.state == "healthy"
        assert node.did(Clean)

    def test_nothing_proves_it_but_the_probe(self, node):
        node.stage()
        node.tell(Live())
        node.tick(29)

        assert node.state.phase is Phase.TRIAL

    def test_a_probe_that_fails_brings_the_old_one_back(self, node):
        node.stage()
        node.tell(Live())
        node.tell(Probed(ok=False, reason="no answer in 10 s"))

        assert node.did(StopAgent) == [StopAgent(gently=True)]
        assert node.did(StartAgent)[-1] == StartAgent(OWN_SLOT, probed=True)
        assert (node.state.phase, node.state.active) == (Phase.ROLLBACK, OWN_SLOT)
        assert (node.state.attempt.state, node.state.attempt.code) == ("rolled_back", "probe")

    def test_a_crash_in_probation_brings_the_old_one_back_at_once(self, node):
        node.stage()
        node.tell(Live())
        node.tell(Probed(ok=True))
        node.tick(1)
        node.tell(Exited(1, "exit code 1"))

        assert (node.state.phase, node.state.active) == (Phase.ROLLBACK, OWN_SLOT)
        assert node.state.attempt.code == "crash"

    def test_so_does_an_end_without_a_word_and_without_an_error(self, node):
        node.stage()
        node.tell(Live())
        node.tell(Exited(0, "exit code 0"))

        assert node.state.phase is Phase.ROLLBACK

    def test_one_that_does_not_come_up_has_three_tries(self, node):
        node.stage()
        for _ in range(2):
            node.tell(Exited(1, "exit code 1"))
        phase, starts = node.state.phase, len(node.did(StartAgent))
        node.tell(Exited(1, "exit code 1"))

        assert (phase, starts) == (Phase.TRIAL, 3)
        assert (node.state.phase, node.state.attempt.code) == (Phase.ROLLBACK, "start")

    def test_nothing_is_ever_late_for_want_of_redis(self, node):
        node.stage()
        node.tick(31)
        held = node.state.phase
        for _ in range(5):
            node.tell(Exited(75, "no Redis", patient=True))
            node.tick(60)
            node.tell(Ready())

        assert (held, node.state.phase) == (Phase.TRIAL, Phase.TRIAL)

    def test_one_that_is_heard_and_proves_nothing_is_late_at_its_deadline(self, node):
        node.stage()
        node.tell(Live())
        node.tick(31)

        assert (node.state.phase, node.state.attempt.code) == (Phase.ROLLBACK, "deadline")

    def test_what_the_nexus_wants_meanwhile_comes_afterwards(self, node):
        node.stage()
        node.tell(Told(wanted(B, rev=2)))
        during = len(node.did(StartStager))
        node.tell(Live())
        node.tell(Probed(ok=True))
        node.tick(2)
        node.tell(Told(wanted(B, rev=2)))

        assert (during, len(node.did(StartStager))) == (1, 2)

    def test_the_floor_rises_only_once_it_is_proved(self, node):
        node.stage(seq=7, floor=5)
        staged = dict(node.state.floor)
        node.tell(Live())
        node.tell(Probed(ok=True))
        node.tick(2)

        assert (staged, node.state.floor) == ({}, {"dev": 5})

    def test_what_the_floor_forbids_does_not_come_back_though_it_ran_here(self, node):
        node.commit(A)
        node.commit(B, rev=2, seq=2, floor=2)

        node.tell(Told(wanted(A, rev=3)))

        assert node.state.floor == {"dev": 2}
        assert (len(node.did(StartWarm)), len(node.did(StartStager))) == (0, 1)

    def test_the_word_to_shut_down_ends_the_launcher_and_is_no_failure(self, node):
        node.stage()
        node.tell(Exited(0, "told to", left=True))

        assert node.did(Leave) == [Leave(0)]
        assert node.state.phase is Phase.TRIAL


class TestRollBack:
    @pytest.fixture
    def failed(self, node):
        node.commit(A)
        node.stage(B, rev=2, seq=2)
        node.tell(Live())
        node.tell(Exited(1, "signal SIGSEGV"))
        return node

    def test_the_one_before_proves_itself_too(self, failed):
        failed.prove()

        assert (failed.state.phase, failed.state.active) == (Phase.IDLE, slot(A))
        assert failed.state.attempt.state == "rolled_back"
        assert failed.did(Clean)

    def test_what_failed_is_not_tried_again_for_a_while(self, failed):
        failed.prove()
        failed.told.clear()

        failed.tell(Told(wanted(B, rev=3)))
        refused = failed.state.attempt
        failed.tick(6 * 3600 + 1)
        failed.tell(Told(wanted(B, rev=4)))

        assert (refused.state, refused.code) == ("failed", "quarantine")
        assert "SIGSEGV" in refused.reason
        assert len(failed.did(StartStager)) == 1

    def test_three_failures_are_for_ever(self, failed):
        failed.prove()
        for rev in (3, 4):
            failed.tick(6 * 3600 + 1)
            failed.told.clear()
            failed.stage(B, rev=rev, seq=2)
            failed.tell(Live())
            failed.tell(Exited(1, "again"))
            failed.prove()
        failed.tick(10 * 365 * 86400)
        failed.told.clear()
        failed.tell(Told(wanted(B, rev=9)))

        assert not failed.did(StartStager)

    def test_if_neither_runs_the_launcher_stays(self, failed):
        for _ in range(3):
            failed.tell(Exited(1, "exit code 1"))

        assert failed.machine.shown_phase is Phase.SAFE
        assert failed.state.attempt.code == "safe"
        assert not failed.did(Leave)

    def test_in_safe_mode_it_is_tried_again_and_again(self, failed):
        for _ in range(3):
            failed.tell(Exited(1, "exit code 1"))
        failed.told.clear()
        for _ in range(5):
            failed.tick(601)
            failed.tell(Exited(1, "exit code 1"))
        failed.tick(601)
        failed.prove()

        assert len(failed.did(StartAgent)) == 6
        assert (failed.machine.shown_phase, failed.state.safe) == (Phase.IDLE, False)

    def test_in_safe_mode_a_new_release_is_taken(self, failed):
        for _ in range(3):
            failed.tell(Exited(1, "exit code 1"))

        failed.commit(C, rev=5, seq=3)

        assert (failed.state.active, failed.state.safe) == (slot(C, 3), False)

    def test_the_one_before_needs_no_stager(self, node):
        node.commit(A).commit(B, rev=2, seq=2)

        node.tell(Told(wanted(A, rev=3)))

        assert not node.did(StartStager)
        assert node.did(StartWarm) == [StartWarm(slot(A))]

    def test_nor_does_its_own_code(self, node):
        node.commit(A).commit(B, rev=2, seq=2)

        node.commit("", rev=3)

        assert node.state.active == OWN_SLOT

    def test_one_that_crashes_later_on_goes_too(self, node):
        node.commit(A)
        for _ in range(3):
            node.tick(60)
            node.prove()
            node.tell(Exited(1, "signal SIGSEGV"))

        assert (node.state.phase, node.state.active) == (Phase.ROLLBACK, OWN_SLOT)
        assert (node.state.attempt.state, node.state.attempt.code) == ("rolled_back", "late")

    @pytest.mark.parametrize("pause", [86_400 + 1, 301])
    def test_but_not_for_crashes_that_are_old_or_rare(self, node, pause):
        node.commit(A)
        node.tick(86_400 if pause > 86_400 else 0)
        for _ in range(3):
            node.tick(pause if pause < 1000 else 1)
            node.prove()
            node.tell(Exited(1, "signal SIGSEGV"))

        assert node.state.active == slot(A)

    def test_its_own_code_is_never_blamed(self, node):
        for _ in range(9):
            node.tick(60)
            node.prove()
            node.tell(Exited(1, "signal SIGSEGV"))

        assert (node.state.active, node.state.quarantine) == (OWN_SLOT, ())


class TestStarts:
    def test_wrong_use_ends_the_launcher_with_the_agents_own_code(self):
        node = Node().start()

        node.tell(Exited(2, "exit code 2"))

        assert node.did(Leave) == [Leave(2)]

    def test_a_crash_after_it_was_heard_does_not(self):
        node = Node().run()

        node.tell(Exited(2, "exit code 2"))
        node.tick(1)

        assert not node.did(Leave)
        assert len(node.did(StartAgent)) == 2

    def test_a_release_that_waits_for_redis_at_its_start_is_left_alone(self):
        node = Node(State(slot(A), previous=OWN_SLOT, committed_at=900.0)).start()
        for _ in range(10):
            node.tell(Exited(75, "no Redis", patient=True))
            node.tick(60)

        assert node.state.active == slot(A)
        assert not node.did(Leave)

    def test_a_release_that_cannot_start_any_more_makes_room_for_the_one_before(self):
        node = Node(State(slot(A), previous=OWN_SLOT, committed_at=-1e9)).start()
        for _ in range(8):
            node.tell(Exited(1, "ImportError: libfoo.so"))
            node.tick(60)
        held = node.state.active
        node.tell(Exited(1, "ImportError: libfoo.so"))

        assert held == slot(A)
        assert (node.state.phase, node.state.active) == (Phase.ROLLBACK, OWN_SLOT)
        assert node.state.attempt.code == "late"
        assert "did not start 8 times in a row: ImportError" in node.state.attempt.reason

    @pytest.mark.parametrize("phase", [Phase.STAGING, Phase.STAGED, Phase.TRIAL])
    def test_a_launcher_that_ends_again_and_again_gives_up(self, phase):
        trial = phase is Phase.TRIAL
        before = State(
            slot(A) if trial else OWN_SLOT,
            previous=OWN_SLOT if trial else None,
            pending=None if trial else slot(A),
            phase=phase,
            wanted=wanted(A),
            rev=1,
            tries_left=10**6,
        )
        node = Node(before)
        for _ in range(MOST_SAVES + 1):
            node.reboot()
            node.start()

        assert node.state.active == OWN_SLOT
        assert node.state.attempt.code == "loop"

    def test_a_trial_that_is_cut_off_uses_up_its_tries(self):
        node = Node().run().stage()
        for _ in range(2):
            node.reboot()
            node.start()
        last = node.state
        node.reboot()
        node.start()

        assert (last.phase, last.active) == (Phase.TRIAL, slot(A))
        assert (node.state.phase, node.state.active) == (Phase.ROLLBACK, OWN_SLOT)

    def test_what_was_being_brought_here_is_brought_on(self):
        node = Node().run()
        node.tell(Told(wanted(A)))

        node.reboot()
        node.start()

        assert node.did(StartStager) == [StartStager(wanted(A))]

    def test_what_lay_ready_is_tried_out_again(self):
        node = Node().run().stage(activate=False)

        node.reboot()
        node.start()

        assert node.did(StartWarm) == [StartWarm(slot(A))]

    def test_safe_mode_outlives_the_launcher(self):
        node = Node(replace(State(slot(A)), safe=True)).start()

        assert node.machine.shown_phase is Phase.SAFE
        assert node.did(StartAgent) == [StartAgent(slot(A), probed=True)]
