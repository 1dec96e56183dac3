import os
import socket
import subprocess
import sys

import pytest

from hive_site.kernel.errors import Deposed
from nodes import leadership, wire
from nodes.leadership import RENEW_EVERY, TERM, Leadership
from nodes.models import Lease
from tests.nodes.cast import START, after

pytestmark = pytest.mark.django_db
A_TERM, A_ROUND = TERM.total_seconds(), RENEW_EVERY.total_seconds()


@pytest.fixture
def candidate(fake_broker):
    return lambda: Leadership(fake_broker.open())


@pytest.fixture
def first(candidate):
    first = candidate()
    assert first.hold(START)
    return first


def dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_the_first_candidate_leads_and_the_second_stands_by(first, candidate):
    second = candidate()

    assert not second.hold(after(1))
    assert (first.held, second.held) == (True, False)
    assert (Lease.objects.get().holder, first.epoch) == (first.holder, 1)


def test_a_lease_that_ran_out_goes_to_a_standby_with_the_next_epoch(first, candidate):
    second = candidate()

    assert not second.hold(after(A_TERM))
    assert second.hold(after(A_TERM + 0.001))
    assert second.epoch == 2
    assert Lease.objects.get().expires_at == after(2 * A_TERM + 0.001)


def test_the_epoch_only_grows_whoever_leads(candidate):
    candidates = [candidate(), candidate()]
    epochs = []

    for term in range(6):
        leader, now = candidates[term % 2], after(term * (A_TERM + 1))
        assert leader.hold(now) or leader.hold(now)  # it learns that it was deposed, then asks
        epochs.append(leader.epoch)

    assert epochs == [1, 2, 3, 4, 5, 6]


def test_a_leader_renews_every_five_seconds_and_asks_the_database_no_more_often(
    first, django_assert_num_queries
):
    with django_assert_num_queries(0):
        assert first.hold(after(A_ROUND - 0.001))
    assert first.hold(after(A_ROUND))

    assert Lease.objects.get().expires_at == after(A_ROUND + A_TERM)
    assert first.epoch == 1


def test_a_long_step_is_timed_by_the_clock_and_not_by_its_beginning(fake_broker):
    times = [START, after(1), after(A_ROUND), after(A_TERM)]
    leader = Leadership(fake_broker.open(), clock=lambda: times.pop(0))
    assert leader.hold(START)
    leader.keep(START)
    assert Lease.objects.get().expires_at == after(A_TERM)

    leader.keep(START)
    assert Lease.objects.get().expires_at == after(A_ROUND + A_TERM)
    leader.confirm(START)
    assert Lease.objects.get().expires_at == after(2 * A_TERM)


def test_whoever_leads_no_more_goes_on_with_nothing_and_takes_no_new_term(first, candidate):
    second = candidate()
    second.hold(after(A_TERM + 1))

    for _ in range(2):
        with pytest.raises(Deposed):
            first.keep(after(A_TERM + 2))

    assert Lease.objects.get().holder == second.holder


def test_a_late_leader_goes_on_if_nobody_took_its_lease(first):
    assert first.hold(after(A_TERM + 60))
    assert first.epoch == 1


def test_a_leader_that_overslept_learns_that_another_leads(first, candidate):
    second = candidate()
    second.hold(after(A_TERM + 1))

    assert not first.hold(after(A_TERM + 2))
    assert not first.held


def test_a_deposed_leader_leads_again_under_a_new_epoch(first, candidate):
    candidate().hold(after(A_TERM + 1))
    first.hold(after(A_TERM + 2))

    assert first.hold(after(2 * A_TERM + 2))
    assert first.epoch == 3


def test_a_transaction_of_the_leader_is_confirmed_and_renews_the_lease(first):
    first.confirm(after(3))

    assert Lease.objects.get().expires_at == after(3 + A_TERM)


def test_a_transaction_of_an_old_leader_is_refused(first, candidate):
    second = candidate()
    second.hold(after(A_TERM + 1))

    with pytest.raises(Deposed, match="epoch 1 is over"):
        first.confirm(after(A_TERM + 2))
    assert not first.held
    assert Lease.objects.get().holder == second.holder


def test_an_old_epoch_of_the_same_holder_is_refused_too(first):
    Lease.objects.update(epoch=2)

    with pytest.raises(Deposed):
        first.confirm(after(1))


def test_a_leader_that_doubts_itself_takes_the_next_epoch_at_once(first):
    first.doubt()

    assert first.hold(after(1))
    assert first.epoch == 2


def test_a_leader_that_gives_up_is_followed_at_once(first, candidate):
    first.release()
    second = candidate()

    assert not first.held
    assert second.hold(after(1))
    assert second.epoch == 2


def test_only_the_leader_can_give_up_the_lease(first, candidate):
    second = candidate()
    second.release()
    second.hold(after(A_TERM + 1))
    first.release()

    assert Lease.objects.get().holder == second.holder


def test_a_leader_that_died_on_this_machine_is_followed_at_once(candidate):
    holder = f"{socket.gethostname()}:{dead_pid()}:abcd"
    Lease.objects.create(pk=1, holder=holder, epoch=7, expires_at=after(A_TERM))
    second = candidate()

    assert second.hold(START)
    assert second.epoch == 8


@pytest.mark.parametrize(
    "holder",
    [
        f"elsewhere:{2**22 + 1}:abcd",  # nobody here knows the processes of another machine
        f"{socket.gethostname()}:{os.getpid()}:abcd",
        f"{socket.gethostname()}:garbage:abcd",
        socket.gethostname(),
    ],
    ids=["elsewhere", "a process that lives", "no process", "no process at all"],
)
def test_a_leader_that_may_live_is_waited_for(candidate, holder):
    Lease.objects.create(pk=1, holder=holder, epoch=7, expires_at=after(A_TERM))

    assert not candidate().hold(START)


@pytest.mark.parametrize("died", [False, True])
def test_of_two_standbys_that_find_the_lease_free_at_once_one_leads(candidate, monkeypatch, died):
    dead = f"{socket.gethostname()}:{dead_pid()}:abcd"
    Lease.objects.create(pk=1, holder=dead, epoch=3, expires_at=after(99 if died else -1))
    quick, slow = candidate(), candidate()
    look = leadership._died_here

    def look_slowly(holder: str) -> bool:
        monkeypatch.setattr(leadership, "_died_here", look)
        assert quick.hold(START)
        return look(holder)

    monkeypatch.setattr(leadership, "_died_here", look_slowly)

    assert not slow.hold(START)
    assert (quick.held, slow.held, Lease.objects.get().epoch) == (True, False, 4)


def test_redis_is_shown_the_epoch_and_keeps_one_boot_key(broker):
    client = broker.open()
    leader = Leadership(client)
    leader.hold(START)

    boot = leader.mirror()

    assert client.get(wire.EPOCH) == b"1"
    assert client.get(wire.BOOT).decode() == boot == leader.mirror()
    assert len(boot) == 32


def test_a_redis_that_saw_a_later_epoch_refuses_the_earlier_one(broker):
    client = broker.open()
    client.set(wire.EPOCH, 10)
    leader = Leadership(client)
    leader.hold(START)

    with pytest.raises(Deposed, match="a later epoch than 1"):
        leader.mirror()
    assert not leader.held
    assert client.get(wire.EPOCH) == b"10"
    assert client.get(wire.BOOT) is None


def test_a_redis_that_lost_its_memory_shows_another_boot_key(broker):
    client = broker.open()
    leader = Leadership(client)
    leader.hold(START)
    before = leader.mirror()
    client.flushall()

    assert leader.mirror() != before
    assert client.get(wire.EPOCH) == b"1"


def test_transactions_are_numbered_in_their_order_also_from_leader_to_leader(first, candidate):
    numbers = [first.confirm(after(1)), first.confirm(after(2))]
    second = candidate()
    second.hold(after(A_TERM + 3))
    numbers.append(second.confirm(after(A_TERM + 4)))
    assert not first.hold(after(A_TERM + 4))
    assert first.hold(after(2 * A_TERM + 5))
    numbers += [first.confirm(after(2 * A_TERM + 5)) for _ in range(2)]

    assert numbers == [1 << 32 | 1, 1 << 32 | 2, 2 << 32 | 1, 3 << 32 | 1, 3 << 32 | 2]
