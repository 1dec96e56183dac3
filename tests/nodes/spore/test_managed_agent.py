"""An agent at the end of a leash, whose Redis only takes notes."""

import os
import time
from dataclasses import replace

import pytest

from hive_site.kernel.redis import RedisError
from nodes import wire
from nodes.domain.commands import Call, Command
from nodes.spore.board import Work
from nodes.spore.clocks import boot_clock
from nodes.spore.leash import Launch
from nodes.spore.leaving import Estate, leave
from nodes.spore.retirement import Retirement
from nodes.spore.spool import Spool
from tests.nodes.cast import wait_until
from tests.nodes.spore.cast import WORK, FakeLeash, busy, idle, step_until

pytestmark = pytest.mark.processes


@pytest.fixture
def leash():
    return FakeLeash()


@pytest.fixture
def managed(start, leash):
    """Builds agents that a launcher started, not gated unless so wished."""
    return lambda main=idle, **how: start(main, launch=Launch(leash, **how))


def shows(identity, board, index):
    board.gate.wait()
    board[index].show_tasks("d" * 32)
    idle(identity, board, index)


def gated(managed, main=shows):
    agent = managed(main, gated=True)
    agent._crew.fill(agent.identity, time.monotonic())
    agent._crew.open_gate()
    return agent


def test_the_first_heartbeat_is_told_once(managed, leash):
    agent, now = managed(), time.monotonic()

    for seconds in (0, 2, 4):
        agent.step(now + seconds)

    assert leash.told("live") == [{"incarnation": "one"}]
    assert leash.told("probe") == []


def test_a_spore_whose_launcher_is_frozen_is_silent_until_it_wakes(managed, leash, exchange):
    agent, now = managed(), time.monotonic()
    agent.step(now)
    leash.is_held = False
    agent.step(now + 2)
    agent.step(now + 4)
    silent = len(exchange.beats)
    leash.is_held = True
    agent.step(now + 6)

    assert (silent, len(exchange.beats)) == (1, 2)


def test_a_managed_spore_starts_while_redis_is_away_and_another_one_does_not(
    managed, start, exchange
):
    exchange.away = True

    managed().check_name_is_free()
    with pytest.raises(RedisError):
        start(idle).check_name_is_free()


def test_whoever_is_retired_does_not_beat_once_more(managed, leash, exchange):
    agent = managed()
    leash.words = [("retire", {"seconds": 60})]

    agent.step(time.monotonic())

    assert exchange.beats == []


def test_a_new_revision_in_the_orders_is_hinted(managed, leash, exchange):
    agent, now = managed(), time.monotonic()

    for seconds, orders in enumerate(({}, {"ota_rev": 4}, {"ota_rev": 4}, {"ota_rev": 5})):
        exchange.orders = orders
        agent.step(now + 2 * seconds)

    assert leash.told("hint") == [{"rev": 4}, {"rev": 5}]


def test_update_system_is_hinted_and_answered(managed, leash, exchange):
    exchange.calls = [Call("bc_1", Command.UPDATE_SYSTEM, "one", time.time() + 30)]

    managed().step(time.monotonic())

    assert leash.told("hint") == [{"rev": 0}]
    assert exchange.answers == [("bc_1", True, {"release": "1.0", "managed": True})]


def test_how_far_an_update_is_is_shown_in_heartbeats(managed, leash, exchange):
    leash.words = [("ota", {"phase": "probation", "release": "1.1"})]

    managed().step(time.monotonic())

    assert exchange.beats[-1]["metrics"]["ota"] == {"phase": "probation", "release": "1.1"}
    assert "pids" in exchange.beats[-1]["metrics"]


def test_slots_let_go_of_the_leash(managed, leash):
    (reader, writer) = os.pipe()

    def tell(identity, board, index):
        os.write(writer, bytes([leash.slipped]))
        idle(identity, board, index)

    managed(tell).step(time.monotonic())

    assert os.read(reader, 1) == b"\1"
    assert leash.slipped == 0
    for end in (reader, writer):
        os.close(end)


def test_a_probe_goes_out_after_the_first_heartbeat_and_its_answer_is_told(
    managed, leash, exchange
):
    agent = gated(managed)
    step_until(agent, lambda: exchange.probes)
    sent = [len(exchange.beats), *leash.told("probe")]
    exchange.proof = {"release": "1.0", "reason": ""}
    step_until(agent, lambda: leash.told("probe"))

    assert sent == [1]
    assert leash.told("probe") == [{"ok": True, "release": "1.0", "reason": ""}]
    assert len(exchange.probes) == 1


@pytest.mark.parametrize(
    ("proof", "reason"),
    [
        ({"release": "", "reason": "the probe failed with X"}, "the probe failed with X"),
        ({"release": "0.9", "reason": ""}, "the probe was answered by release '0.9'"),
    ],
)
def test_a_probe_that_went_wrong_is_told_with_the_reason(managed, leash, exchange, proof, reason):
    exchange.proof = proof

    step_until(gated(managed), lambda: leash.told("probe"))

    (told,) = leash.told("probe")
    assert (told["ok"], told["reason"]) == (False, reason)


def test_a_probe_that_nobody_answers_fails_after_ten_seconds_and_is_taken_back(
    managed, leash, exchange
):
    agent, now = gated(managed), time.monotonic()
    step_until(agent, lambda: exchange.probes, at=now)
    for tenth in range(10, 100, 10):
        agent.step(now + tenth / 10)
    agent.step(now + 9.9)
    early = leash.told("probe")

    agent.step(now + 10)

    assert early == []
    (told,) = leash.told("probe")
    assert (told["ok"], told["reason"]) == (False, "no answer to the probe within 10 s")
    assert exchange.probes == []


def test_a_machine_that_slept_meanwhile_asks_again_and_waits_again(managed, leash, exchange):
    agent, now = gated(managed), time.monotonic()
    step_until(agent, lambda: exchange.probes, at=now)
    first = list(exchange.probes)

    agent.step(now + 60)

    assert leash.told("probe") == []
    assert exchange.probes == first * 2


def test_a_slot_that_dies_of_the_probe_fails_it_at_once_and_the_foreman_hears_nothing(
    managed, leash, exchange
):
    (reader, writer) = os.pipe()

    def die(identity, board, index):
        board.gate.wait()
        board[index].show_tasks("d" * 32)
        board[index].write(Work(bundle=os.read(reader, 100).decode()))
        os._exit(9)

    agent = gated(managed, die)
    step_until(agent, lambda: exchange.probes)
    os.write(writer, exchange.probes[0].encode())
    step_until(agent, lambda: leash.told("probe"))

    (told,) = leash.told("probe")
    assert told["reason"] == "the process that ran the probe ended with exit code 9"
    assert [said for said in exchange.said if said != "announce"] == []
    for end in (reader, writer):
        os.close(end)


def test_its_first_heartbeat_waits_for_its_tasks_but_not_for_long(managed, exchange):
    def silent(identity, board, index):
        board.gate.wait()
        idle(identity, board, index)

    agent, now = gated(managed, silent), time.monotonic()
    agent._debut._opened_at = now
    agent.step(now + 1.9)
    early = len(exchange.beats)
    agent.step(now + 2)

    assert (early, len(exchange.beats)) == (0, 1)


def test_a_long_wait_at_the_gate_is_no_silence(managed, leash):
    def loads(identity, board, index):
        board[index].show_tasks("d" * 32)
        board.gate.wait()
        idle(identity, board, index)

    agent = managed(loads, gated=True)
    agent._heard_at -= 100
    leash.words = [("go", {"elders": []})]

    agent._wait_at_gate()

    assert boot_clock() - agent._heard_at < 50
    assert agent._crew.board.gate.is_open


def test_slots_know_since_when_others_can_know_their_tasks(managed, exchange):
    agent = gated(managed)
    before = agent._crew.board.live()
    step_until(agent, lambda: exchange.beats)

    assert before == float("inf")
    assert abs(agent._crew.board.live() - time.time()) < 60
    assert managed()._crew.board.live() == 0.0


@pytest.fixture
def retire(managed, exchange, tmp_path):
    """Retires an agent at work that does not heed what it is asked."""

    def build(work=WORK, *, seconds=60.0, obedient=False, signals=0):
        agent = managed(busy(work, obedient=obedient))
        step_until(agent, lambda: any(w.busy for w in agent._crew.works()))
        estate = Estate(
            crew=agent._crew,
            line=agent._line,
            spool=Spool(tmp_path / "spool"),
            ward=agent._ward,
            outbox=[],
            offset_seconds=0.0,
            heard_at=agent._heard_at,
            cancelled=frozenset(),
            signals=lambda: signals,
        )
        exchange.said.clear()
        return Retirement(estate, now=time.monotonic(), seconds=seconds), estate

    return build


def steps_until(retirement, seen):
    wait_until(lambda: retirement.step(time.monotonic()) or seen())


def deaths(exchange):
    return [e for body in exchange.said if isinstance(body, dict) for e in body["events"]]


def test_a_retired_agent_beats_not_and_tells_what_it_runs(retire, leash, exchange):
    retirement, estate = retire()
    beats = len(exchange.beats)

    for _ in range(5):
        retirement.step(time.monotonic())
        retirement._looked_at = 0.0

    (told,) = leash.told("retired")
    assert told["bundles"] == ["b1"]
    assert [(row[0], *row[2:]) for row in told["running"]] == [(7, 0.5, "half of it", "b1")]
    assert leash.told("works") == []
    assert len(exchange.beats) == beats
    estate.crew.kill_all()


def test_it_says_that_it_is_retired_only_once_no_slot_can_be_on_its_way_into_work(
    retire, leash, exchange
):
    _, estate = retire()
    cell = estate.crew.board[0]
    cell.write(Work(bundle="b2"))  # popped, and past its last look
    again = Retirement(estate, now=time.monotonic(), seconds=60)
    again.step(time.monotonic())
    early = leash.told("retired")
    cell.write(replace(WORK, bundle="b2"))
    again.step(time.monotonic())

    assert early == []
    assert [told["bundles"] for told in leash.told("retired")] == [["b2"]]
    estate.crew.kill_all()


def test_a_second_signal_ends_it_at_once(retire, exchange):
    retirement, _ = retire(signals=2)

    retirement.serve()

    (died,) = deaths(exchange)
    assert (died["a"], died["why"]) == (7, "handover")


def test_what_must_not_run_twice_ends_when_the_new_agent_is_not_heard(retire, exchange):
    retirement, estate = retire(replace(WORK, careful=True))
    exchange.silence_seconds = 35.0

    steps_until(retirement, lambda: not estate.crew)
    retirement.serve()

    assert [died["why"] for died in deaths(exchange)] == ["fenced"]


def test_a_redis_that_forgot_all_heartbeats_is_no_silence(retire, exchange):
    retirement, estate = retire(replace(WORK, careful=True))
    exchange.silence_seconds = float("inf")

    for _ in range(3):
        retirement._looked_at = 0.0
        retirement.step(time.monotonic())

    assert len(estate.crew) == 1
    assert deaths(exchange) == []


def test_a_spore_that_leaves_waits_for_its_elders(retire, leash, exchange):
    _, estate = retire(obedient=True)
    estate.crew.kill_all()
    works = {"bundles": ["b1"], "running": [], "held_mb": []}
    estate.ward.elders.become([works])
    leash.words = [("elders", [])]

    leave(estate)

    assert len(estate.ward.elders) == 0
    assert exchange.said == [{"leaving": True, "events": []}]


def test_a_frozen_launcher_counts_as_silence(retire, leash, exchange):
    retirement, estate = retire(replace(WORK, careful=True))
    leash.is_held = False
    estate.heard_at -= 35.0

    retirement.serve()

    assert [died["why"] for died in deaths(exchange)] == ["fenced"]


def test_what_it_could_not_report_is_left_on_disk_for_the_new_agent(retire, exchange):
    retirement, estate = retire(seconds=0.0)
    exchange.away = True

    retirement.serve()

    assert [spooled.done for spooled in estate.spool] == ["b1"]


def test_it_ends_without_a_word_when_its_incarnation_was_given_up(retire, leash, exchange):
    retirement, _ = retire()
    exchange.is_over = True

    retirement.serve()

    assert deaths(exchange) == []
    assert leash.told("works")[-1]["bundles"] == []


def test_names_of_probes_are_nobody_elses():
    probe = wire.probe_id("spore-1", "ab")

    assert wire.is_probe(probe)
    assert not wire.is_probe("spore-probe-1-64")
    assert not wire.is_probe("probe-64")
